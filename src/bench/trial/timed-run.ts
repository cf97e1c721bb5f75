import type { Snapshot } from '../../core/snapshot.ts';
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

/** The numbers of a run as it was stopped, and the seconds since its first request was sent. */
export interface Stopped {
  snapshot: Snapshot;
  seconds: number;
}

/** How a measurement differs from a run of the user's. */
const measured = { isListed: false, usesSaved: false, needsAllServers: true };

/**
 * A run that no `resume` or `status` of the user's finds. With limits it is stopped in time, as by Ctrl-C: nothing more
 * is sent, and what is in flight may end. The time counts from the first request: that of loading the model is no part
 * of it.
 */
export async function timedRun(
  request: RunRequest,
  { limits, watch }: { limits: TimeLimits | null; watch: TrialWatch | null },
  { host, cache }: { host: RunHost; cache: BackendCache },
): Promise<RunOutcome & { isTimeOver: boolean; stopped: Stopped | null }> {
  const late = new AbortController();
  const stop = AbortSignal.any([host.stop, late.signal]);
  const timers: NodeJS.Timeout[] = [];
  let isEnough = false;
  let ended = 0;
  const { noteFirst, noteSnapshot, stopped, close } = watchStop(stop);
  const stopIfEnough = (): void => {
    if (isEnough && limits?.enough && ended >= limits.enough.requests) late.abort();
  };
  const whenEnough = (): void => {
    isEnough = true;
    stopIfEnough();
  };
  const start = (): void => {
    if (!noteFirst() || limits === null) return;
    const { maxMs, enough } = limits;
    timers.push(setTimeout(() => late.abort(), maxMs));
    if (enough !== null) timers.push(setTimeout(whenEnough, enough.ms));
  };
  const timed: RunHost = {
    ...host,
    ...measured,
    stop,
    onStart(snapshot) {
      noteSnapshot(snapshot);
      host.onStart(snapshot);
    },
    onEvent(event) {
      if (event.type === 'request-start') start();
      if (event.type === 'result-end') {
        ended++;
        stopIfEnough();
      }
      watch?.onEvent(event);
    },
  };
  try {
    const outcome = await startRun(request, timed, cache);
    return { ...outcome, isTimeOver: late.signal.aborted, stopped: stopped() };
  } finally {
    close();
    for (const timer of timers) clearTimeout(timer);
  }
}

/** Reads the numbers of a run when it is stopped, before that ends what is in flight. */
function watchStop(stop: AbortSignal) {
  let firstSentAt: number | null = null;
  let read: (() => Snapshot) | null = null;
  let stopped: Stopped | null = null;
  const onStop = (): void => {
    if (read === null || firstSentAt === null) return;
    stopped = { snapshot: read(), seconds: (performance.now() - firstSentAt) / 1000 };
  };
  stop.addEventListener('abort', onStop);
  return {
    /** A request is sent. Returns whether it is the first. */
    noteFirst: (): boolean => {
      const isFirst = firstSentAt === null;
      firstSentAt ??= performance.now();
      return isFirst;
    },
    noteSnapshot: (snapshot: () => Snapshot) => void (read = snapshot),
    stopped: () => stopped,
    close: () => stop.removeEventListener('abort', onStop),
  };
}
