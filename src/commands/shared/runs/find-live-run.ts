import { UsageError } from '../../../core/errors.ts';
import { quoteForShell } from '../../../text/format.ts';
import { askRun, findLiveRuns } from '../../../run/live/ask-live.ts';
import type { LiveState } from '../../../run/live/messages.ts';
import { askForNearOutput } from './near-output.ts';
import { pathsOf } from '../../../journal/manifest/run-paths.ts';

/** The run that writes an output, or without one the one run of this user that goes on. Throws a `UsageError` where there is none. */
export async function findLiveRun(output: string | undefined): Promise<LiveState> {
  if (output !== undefined) {
    const state = await askRun(pathsOf(output).output, { do: 'status' }, process.env);
    if (state !== null) return state;
    throw new UsageError(
      `no run in progress writes ${output}`,
      `${await askForNearOutput(output)}To look at its run: llmbatch status ${quoteForShell(output)}`,
    );
  }
  const only = await oneLiveRun();
  if (only === null) throw new UsageError('you have no run in progress', 'Start one with: llmbatch run <input>');
  return only;
}

/** The one run of this user that goes on; null where none does. Throws a `UsageError` with the list where several do. */
export async function oneLiveRun(): Promise<LiveState | null> {
  const all = await findLiveRuns(process.env);
  if (all.length > 1) throw severalRuns(all, 'go on');
  return all[0] ?? null;
}

/** The error where one of several runs is meant, and nothing says which. */
export function severalRuns(runs: readonly LiveState[], what: 'go on' | 'are paused'): UsageError {
  const outputs = runs.map(({ output }) => `  ${output}`).toSorted();
  const text = [`${runs.length} runs of yours ${what}:`, ...outputs].join('\n');
  return new UsageError(text, 'Name the output of one of them.');
}
