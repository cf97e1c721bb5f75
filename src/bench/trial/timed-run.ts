import type { BackendCache } from '../../run/choose/backend-cache.ts';
import type { RunHost, RunOutcome, RunRequest } from '../../run/run-request.ts';
import { startRun } from '../../run/start-run.ts';
import type { TrialWatch } from './watch-trial.ts';

/** Limits at which a run is stopped that has not ended by itself. */
export interface TimeLimits {
  /** Longest time of the run, in milliseconds. */
  maxMs: number;
  /** Time in milliseconds and number of ended requests that together stop the run earlier; null: they never do. */
  enough: { ms: number; requests: number } | null;
}

/**
 * A run that no `resume` or `status` of the user's finds. With limits it is stopped in time, as by Ctrl-C: nothing more
 * is sent, and what is in flight may end. The time counts from the first request: that of loading the model is no part
 * of it.
 */
export async function timedRun(
  request: RunRequest,
  { limits, watch }: { limits: TimeLimits | null; watch: TrialWatch | null },
  { host, cache }: { host: RunHost; cache: BackendCache },
): Promise<RunOutcome & { isTimeOver: boolean }> {
  const late = new AbortController();
  const timers: NodeJS.Timeout[] = [];
  let isEnough = false;
  let ended = 0;
  const stopIfEnough = (): void => {
    if (isEnough && limits?.enough && ended >= limits.enough.requests) late.abort();
  };
  const whenEnough = (): void => {
    isEnough = true;
    stopIfEnough();
  };
  const start = ({ maxMs, enough }: TimeLimits): void => {
    timers.push(setTimeout(() => late.abort(), maxMs));
    if (enough !== null) timers.push(setTimeout(whenEnough, enough.ms));
  };
  const timed: RunHost = {
    ...host,
    isListed: false,
    usesSaved: false,
    stop: AbortSignal.any([host.stop, late.signal]),
    onEvent(event) {
      if (event.type === 'request-start' && limits !== null && timers.length === 0) start(limits);
      if (event.type === 'result-end') {
        ended++;
        stopIfEnough();
      }
      watch?.onEvent(event);
    },
  };
  try {
    const outcome = await startRun(request, timed, cache);
    return { ...outcome, isTimeOver: late.signal.aborted };
  } finally {
    for (const timer of timers) clearTimeout(timer);
  }
}
