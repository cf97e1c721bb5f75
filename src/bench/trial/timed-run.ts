import type { Snapshot } from '../../core/snapshot.ts';
import type { BackendCache } from '../../run/choose/backend-cache.ts';
import type { RunHost, RunRequest } from '../../run/run-request.ts';
import { startRun } from '../../run/start-run.ts';
import { watchTrial } from './watch-trial.ts';
import type { TrialSpan } from './windows.ts';

/** A run that no `resume` or `status` of the user's finds, stopped after so long (null: never) where it has not ended before. */
export async function timedRun(
  request: RunRequest,
  maxMs: number | null,
  { host, slot }: { host: RunHost; slot: BackendCache },
): Promise<{ span: TrialSpan; snapshot: Snapshot }> {
  const watch = watchTrial();
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const timed: RunHost = {
    ...host,
    isListed: false,
    stop: AbortSignal.any([host.stop, late.signal]),
    onEvent(event) {
      // The time that the model takes to load is no part of it.
      if (event.type === 'request-start' && maxMs !== null) timer ??= setTimeout(() => late.abort(), maxMs);
      watch.onEvent(event);
    },
  };
  try {
    const { snapshot } = await startRun(request, timed, slot);
    return { span: watch.read(), snapshot };
  } finally {
    clearTimeout(timer);
    watch.stop();
  }
}
