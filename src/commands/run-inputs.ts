import { UsageError } from '../core/errors.ts';
import { createRunFolder, outputPathFor, placesOf } from '../journal/run-places.ts';
import type { RunRequest } from '../run/run-request.ts';
import { answerSettings, runnerSettings } from './build-request.ts';
import type { AnswerFlags, RunnerFlags } from './run-flags.ts';
import { runQueue } from './run-queue.ts';

export interface RunFlags extends AnswerFlags, RunnerFlags {
  output?: string;
  priority: Record<string, number>;
  strict: boolean;
  overwrite: boolean;
  dryRun: boolean;
}

/** `llmbatch run`. Returns the exit code. */
export async function runInputs(inputs: readonly string[], flags: RunFlags): Promise<number> {
  checkCombination(inputs, flags);
  const requests: RunRequest[] = [];
  for (const input of byPriority(inputs, flags.priority)) requests.push(await requestFor(input, flags));
  if (flags.dryRun) {
    const { dryRun } = await import('./dry-run.ts');
    return dryRun(requests, flags);
  }
  return runQueue(requests, { ...flags, toStdout: isToStdout(inputs[0] ?? '', flags) });
}

function checkCombination(inputs: readonly string[], flags: RunFlags): void {
  if (inputs.length > 1 && flags.output !== undefined) {
    throw new UsageError('-o names one output, but there are several inputs', 'Run them one by one, or leave -o out.');
  }
  if (inputs.length > 1 && inputs.includes('-')) throw new UsageError('standard input can only be run alone');
  if (new Set(inputs).size < inputs.length) throw new UsageError('an input is named twice');
  if (flags.json && isToStdout(inputs[0] ?? '', flags)) {
    throw new UsageError('--json and results on stdout would be mixed', 'Give the results a file with -o.');
  }
  const stray = Object.keys(flags.priority).find((input) => !inputs.includes(input));
  if (stray !== undefined) throw new UsageError(`--priority: ${stray} is none of the inputs`);
}

const isToStdout = (input: string, { output }: RunFlags): boolean =>
  output === '-' || (output === undefined && input === '-');

function byPriority(inputs: readonly string[], priority: Record<string, number>): string[] {
  return inputs.toSorted((left, right) => (priority[right] ?? 0) - (priority[left] ?? 0));
}

async function requestFor(input: string, flags: RunFlags): Promise<RunRequest> {
  return {
    input,
    spool: null,
    places: isToStdout(input, flags)
      ? await createRunFolder(process.env)
      : placesOf(flags.output ?? outputPathFor(input)),
    settings: await answerSettings(flags, input),
    runner: runnerSettings(flags),
    allowDrift: flags.allowDrift,
    retryFailed: flags.retryFailed,
    overwrite: flags.overwrite,
  };
}
