import type { BackendDefinition } from '../../core/backend.ts';
import { UsageError, exitCodes, isErrorKind, isTransient } from '../../core/errors.ts';
import { quoteForShell } from '../../text/format.ts';
import type { Manifest } from '../../journal/manifest/manifest.ts';
import type { FoundRun } from '../../journal/manifest/find-manifest.ts';
import { isInRunFolder } from '../../journal/manifest/run-folder.ts';
import { type RunPaths, pathsOf } from '../../journal/manifest/run-paths.ts';
import { retrySettings, runnerSettings } from '../shared/build-request.ts';
import { findOwnRun, isOwnRun, withholdKeys } from '../shared/runs/own-runs.ts';
import { findRun } from '../shared/runs/find-run.ts';
import { findInput, findSpool } from '../shared/runs/find-input.ts';
import { endPause } from './end-pause.ts';
import type { AnswerFlags, RunnerFlags } from '../shared/run-flags.ts';
import { tell } from '../shared/print.ts';
import { type Summary, withOnEnd } from '../run/on-end.ts';
import { runQueue } from '../run/queue.ts';

export interface ResumeFlags extends RunnerFlags {
  /** The flags that stood on the command line: none of the others takes the place of a setting of the run. */
  given: Partial<AnswerFlags>;
  /** The names of all flags on the command line, such as `--workers`. */
  typed: readonly string[];
  onSummary?: (summary: Summary) => void;
}

/** `llmbatch resume`. Returns the exit code. */
export async function resumeRun(
  output: string | undefined,
  flags: ResumeFlags,
  backends: readonly BackendDefinition[],
): Promise<number> {
  if (await endPause(output, isUnfinished, flags.typed)) return exitCodes.ok;
  return withOnEnd(flags.onEnd, (onSummary) => goOn(output, { ...flags, onSummary }, backends));
}

async function goOn(
  output: string | undefined,
  flags: ResumeFlags,
  backends: readonly BackendDefinition[],
): Promise<number> {
  const run = output === undefined ? await findOwnRun(isUnfinished, backends) : await findRun(output, anyRun);
  const { manifest } = run;
  if (!(await isOwnRun(run))) {
    const way = `llmbatch resume ${quoteForShell(run.output)} --servers FILE`;
    withholdKeys(manifest, { flags, backends, what: 'this run', file: 'its manifest', way });
  }
  const paths = pathsOf(run.output);
  const isPiped = manifest.input.path === '-';
  if (isPiped && !manifest.input.complete) {
    tell('standard input was cut off before its end: this run has what came until then');
  }
  const toStdout = isInRunFolder(paths.output, process.env);
  if (toStdout) tell(`stdout gets only the new results; all results will be in ${paths.output}`);
  const request = {
    input: await inputOf(manifest, paths),
    spool: isPiped ? await spoolOf(manifest, paths) : null,
    paths,
    settings: retrySettings(manifest.settings, flags.given),
    runner: await runnerSettings({ ...flags, backend: manifest.settings.backend }, backends, manifest.runner),
    shard: manifest.shard,
    failedOf: manifest.failedOf,
    allowDrift: flags.allowDrift,
    retryFailed: flags.retryFailed,
    overwrite: false,
    isResume: true,
  };
  return runQueue([request], { ...flags, backends, toStdout });
}

const anyRun = { what: 'no run', isWanted: () => true };

function isUnfinished({ manifest }: FoundRun): boolean {
  return manifest.state !== 'finished' || hasTransientFailures(manifest);
}

function hasTransientFailures({ summary }: Manifest): boolean {
  return Object.keys(summary?.errors.byKind ?? {}).some((kind) => isErrorKind(kind) && isTransient(kind));
}

async function inputOf(manifest: Manifest, paths: RunPaths): Promise<string> {
  const found = await findInput(manifest, paths);
  if (found !== null) return found;
  throw new UsageError(
    `the input of this run is gone: ${manifest.input.path}`,
    `Put it back. Or use its new path in the command that started the run: llmbatch run <input> -o ${quoteForShell(paths.output)}`,
  );
}

async function spoolOf(manifest: Manifest, paths: RunPaths): Promise<string> {
  const found = await findSpool(manifest, paths);
  if (found !== null) return found;
  throw new UsageError(
    `the copy of standard input is gone: ${manifest.input.spool}`,
    `Pipe the same input again into the command that started the run: ... | llmbatch run - -o ${quoteForShell(paths.output)}`,
  );
}
