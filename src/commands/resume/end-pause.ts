import { UsageError } from '../../core/errors.ts';
import type { FoundRun } from '../../journal/manifest/find-manifest.ts';
import { pathsOf } from '../../journal/manifest/run-paths.ts';
import { findRuns } from '../../journal/manifest/started-runs.ts';
import { askRun, findLiveRuns, whoAsks } from '../../run/live/ask-live.ts';
import type { LiveState } from '../../run/live/messages.ts';
import { severalRuns } from '../shared/runs/find-live-run.ts';
import { tell } from '../shared/print.ts';
import { formatLocalTime, quoteForShell } from '../../text/format.ts';

/**
 * Ends the pause of a run that goes on in another terminal: of the one that writes this output, or without one of the newest
 * unfinished run of this folder, or else of the one paused run of this user. False where none of that is paused. Throws a `UsageError` where flags were
 * typed: a run that goes on keeps its settings.
 */
export async function endPause(
  output: string | undefined,
  isUnfinished: (run: FoundRun) => boolean,
  typed: readonly string[],
): Promise<boolean> {
  const run =
    output === undefined
      ? await pausedRun(isUnfinished)
      : await askRun(pathsOf(output).output, { do: 'status' }, process.env);
  if (run === null || run.paused === null) return false;
  if (typed.length > 0) throw keepsItsSettings(run, typed);
  const left = (await askRun(run.output, { do: 'resume', by: whoAsks('resume') }, process.env))?.paused ?? null;
  const time = left?.until ? formatLocalTime(left.until) : 'later';
  const text =
    left === null
      ? 'continues in its own process'
      : `is outside its hours: it continues at ${time}; to continue before that, run the same command again`;
  tell(`${run.output} ${text} (${run.pid})`);
  return true;
}

function keepsItsSettings({ output, pid }: LiveState, typed: readonly string[]): UsageError {
  const resume = `llmbatch resume ${quoteForShell(output)}`;
  return new UsageError(
    `${output} is paused, but its run is still there (${pid}) and keeps its settings: ${typed.toSorted().join(', ')} can't change them`,
    `To end the pause: ${resume}. For other workers: llmbatch set workers=N. For other flags, end that run with Ctrl-C or kill ${pid}, and type this command again.`,
  );
}

async function pausedRun(isUnfinished: (run: FoundRun) => boolean): Promise<LiveState | null> {
  const paused = (await findLiveRuns(process.env)).filter((state) => state.paused !== null);
  if (paused.length === 0) return null;
  const newest = (await findRuns(process.cwd(), process.env)).find(isUnfinished);
  if (newest !== undefined) return paused.find((state) => state.output === newest.output) ?? null;
  if (paused.length === 1) return paused[0] ?? null;
  throw severalRuns(paused, 'are paused');
}
