import { askForNearFile } from '../../files/near-file.ts';
import { access, constants } from 'node:fs/promises';
import { UsageError, codeOf, exitCodes } from '../../core/errors.ts';
import { createRunFolder } from '../../journal/manifest/run-folder.ts';
import { type RunPaths, outputPathFor, pathsOf } from '../../journal/manifest/run-paths.ts';
import type { BackendDefinition } from '../../core/backend.ts';
import type { Shard } from '../../data/shard.ts';
import type { AnswerSettings } from '../../core/settings.ts';
import { checkOptions, findBackend } from '../../run/choose/choose-backend.ts';
import type { RunRequest } from '../../run/run-request.ts';
import type { GivenFlag } from '../../text/command-line.ts';
import { answerSettings, runnerSettings } from '../shared/build-request.ts';
import { tell } from '../shared/print.ts';
import type { AskedSample } from '../shared/parse-values.ts';
import type { AnswerFlags, RunnerFlags } from '../shared/run-flags.ts';
import { type EarlierRun, findEarlierRun, outputOfRetry, tellDifference } from './failed-of.ts';
import { type ReuseFlags, reuseSettings } from './reuse-flags.ts';
import { type Summary, withOnEnd } from './on-end.ts';
import { runQueue } from './queue.ts';

export interface RunFlags extends AnswerFlags, RunnerFlags, ReuseFlags {
  output?: string;
  shard?: Shard;
  priority: Record<string, number>;
  strict: boolean;
  overwrite: boolean;
  dryRun: boolean;
  /** How large a sample is to be; true: as usual. */
  estimate?: AskedSample | true;
  given: readonly GivenFlag[];
  /** The flags of the command line itself. */
  said: Partial<AnswerFlags>;
  onSummary?: (summary: Summary) => void;
}

/** `llmbatch run`. Returns the exit code. */
export function runInputs(
  inputs: readonly string[],
  flags: RunFlags,
  backends: readonly BackendDefinition[],
): Promise<number> {
  const isTrial = flags.dryRun || flags.estimate !== undefined;
  return withOnEnd(isTrial ? undefined : flags.onEnd, (onSummary) =>
    carryOut(inputs, { ...flags, onSummary }, backends),
  );
}

async function carryOut(
  inputs: readonly string[],
  flags: RunFlags,
  backends: readonly BackendDefinition[],
): Promise<number> {
  const { failedOf } = flags;
  if (inputs.length === 0 && failedOf === undefined)
    throw new UsageError(
      'no input is named',
      'Name a file, or - for standard input: llmbatch run <input>. All flags: llmbatch run --help',
    );
  const earlier = failedOf === undefined ? null : await findEarlierRun(failedOf, inputs, flags.said);
  if (earlier?.failed === 0) {
    tell(`no request failed in ${earlier.output}: there is nothing to run`);
    return exitCodes.ok;
  }
  const requests = await requestsOf(earlier === null ? inputs : [earlier.input], flags, { backends, earlier });
  return runRequests(requests, flags, backends);
}

async function runRequests(
  requests: readonly RunRequest[],
  flags: RunFlags,
  backends: readonly BackendDefinition[],
): Promise<number> {
  if (flags.dryRun) {
    const { dryRun } = await import('./dry-run.ts');
    return dryRun(requests, { ...flags, backends });
  }
  for (const { input } of requests) await checkReadable(input);
  if (flags.estimate !== undefined) {
    const { estimate } = await import('./estimate.ts');
    return estimate(requests, { ...flags, backends, asked: flags.estimate === true ? null : flags.estimate });
  }
  return runQueue(requests, { ...flags, backends, toStdout: isToStdout(requests[0]?.input ?? '', flags) });
}

async function requestsOf(
  inputs: readonly string[],
  flags: RunFlags,
  { backends, earlier }: { backends: readonly BackendDefinition[]; earlier: EarlierRun | null },
): Promise<RunRequest[]> {
  checkCombination(inputs, flags);
  const base = earlier?.base ?? null;
  const runner = { ...(await runnerSettings(flags, backends, base?.runner)), ...reuseSettings(flags) };
  const settings = await settingsOf(flags, backends, base?.settings);
  if (earlier !== null) tellDifference(earlier, settings);
  const requests: RunRequest[] = [];
  for (const input of byPriority(inputs, flags.priority)) {
    const output = earlier === null ? outputPathFor(input, flags.shard) : await outputOfRetry(earlier.output, settings);
    const paths = await pathsFor(input, flags, output);
    requests.push({ ...requestOf(flags), input, paths, settings, runner, failedOf: earlier?.output ?? null });
  }
  checkOutputs(requests);
  return requests;
}

function checkCombination(inputs: readonly string[], flags: RunFlags): void {
  if (inputs.length > 1 && flags.output !== undefined) {
    throw new UsageError('-o names one output, but there are several inputs', 'Run them one by one, or remove -o.');
  }
  if (inputs.length > 1 && inputs.includes('-'))
    throw new UsageError('standard input can only be run alone', 'Remove the other inputs, or - .');
  const twice = inputs.find((input, index) => inputs.indexOf(input) !== index);
  if (twice !== undefined) throw new UsageError(`the input ${twice} is named twice`, 'Name it once.');
  if (flags.dryRun && flags.estimate !== undefined)
    throw new UsageError('--dry-run sends nothing, and --estimate does', 'Use only one of them.');
  checkStdout(inputs, flags);
  const stray = Object.keys(flags.priority).find((input) => !inputs.includes(input));
  if (stray !== undefined)
    throw new UsageError(`--priority: ${stray} is not one of the inputs`, 'Write it exactly like the input.');
}

function checkStdout([input = '']: readonly string[], flags: RunFlags): void {
  if (flags.json && flags.estimate === undefined && isToStdout(input, flags)) {
    throw new UsageError('--json and results on stdout would be mixed', 'Give the results a file with -o.');
  }
}

/** `a.csv` and `a.jsonl` would both go to `a.results.jsonl`. */
function checkOutputs(requests: readonly RunRequest[]): void {
  const outputs = requests.map(({ paths }) => paths.output);
  const twice = outputs.find((output, index) => outputs.indexOf(output) !== index);
  if (twice === undefined) return;
  throw new UsageError(`two inputs would be written to ${twice}`, 'Run them one by one, each with its own -o.');
}

/** A queue should not run for hours before it finds that its last input is not there. */
async function checkReadable(input: string): Promise<void> {
  if (input === '-') return;
  await access(input, constants.R_OK).catch(async (error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw new UsageError(`can't read: ${input}`, 'Check the path; nothing was run.');
    const near = await askForNearFile(input);
    const hint = near === null ? 'Check the path; nothing was run.' : `${near} Nothing was run.`;
    throw new UsageError(`no such file: ${input}`, hint);
  });
}

const isToStdout = (input: string, { output }: RunFlags): boolean =>
  output === '-' || (output === undefined && input === '-');

function byPriority(inputs: readonly string[], priority: Record<string, number>): string[] {
  return inputs.toSorted((left, right) => (priority[right] ?? 0) - (priority[left] ?? 0));
}

async function settingsOf(
  flags: RunFlags,
  backends: readonly BackendDefinition[],
  base: AnswerSettings | undefined,
): Promise<AnswerSettings> {
  const settings = await answerSettings(base === undefined ? flags : { ...flags.said, progress: flags.progress }, base);
  if (settings.backend !== 'auto') await checkOptions(findBackend(backends, settings.backend), settings.options);
  return settings;
}

const requestOf = (flags: RunFlags) => ({
  spool: null,
  shard: flags.shard ?? null,
  allowDrift: flags.allowDrift,
  retryFailed: flags.retryFailed,
  overwrite: flags.overwrite,
  given: flags.given,
});

async function pathsFor(input: string, flags: RunFlags, usual: string): Promise<RunPaths> {
  if (!isToStdout(input, flags)) return pathsOf(flags.output ?? usual);
  return flags.dryRun || flags.estimate !== undefined ? pathsOf('stdout') : createRunFolder(process.env);
}
