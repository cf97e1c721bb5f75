import type { RunEvent } from '../core/events.ts';
import type { RunProgress, RunTimes } from '../core/snapshot.ts';
import { createRate } from './rate.ts';

/** No ETA is shown before one of the two is reached: it would come from too few results. */
const minRequests = 20;
const minSeconds = 5;

/** Estimates when a run ends. */
export interface Eta {
  /** Takes an event of the run. Times are milliseconds of the caller's clock here and below. */
  add(event: RunEvent, atMs: number): void;
  /** The estimate as of now; null before there is enough for one. */
  read(nowMs: number, progress: Pick<RunProgress, 'total' | 'done'>): RunTimes['eta'];
}

export function createEta(startMs: number): Eta {
  const state = { startMs, rate: createRate(startMs), requests: 0, hasStarted: false };
  return {
    add(event, atMs) {
      if (event.type === 'model-start' && !state.hasStarted)
        Object.assign(state, { startMs: atMs, rate: createRate(atMs), hasStarted: true });
      // A line that never became a request took no work, and would make the rate look better than it is.
      if (event.type !== 'result-end' || event.sample.attempts === 0) return;
      state.requests++;
      state.rate.add(1, atMs);
    },
    read: (nowMs, { total, done }) =>
      estimateEta({
        left: total === null ? null : Math.max(0, total - done),
        rate: state.rate.perSecond(nowMs),
        standardError: state.rate.standardError(nowMs),
        isEnough: state.requests >= minRequests || nowMs - state.startMs >= minSeconds * 1000,
      }),
  };
}

/**
 * Estimates the seconds left at the recent rate. The range is that of the rate plus and minus two standard errors, which is 95 %
 * of a normal distribution; the rate is never taken to fall below a quarter, so that the range stays finite.
 */
export function estimateEta(facts: {
  /** Requests still to do; null while the total is unknown. */
  left: number | null;
  rate: number | null;
  standardError: number | null;
  /** Enough was measured for an estimate. */
  isEnough: boolean;
}): RunTimes['eta'] {
  const { left, rate, standardError, isEnough } = facts;
  if (left === 0) return { seconds: 0, low: 0, high: 0 };
  if (left === null || rate === null || standardError === null || rate === 0 || !isEnough) return null;
  return {
    seconds: left / rate,
    low: left / (rate + 2 * standardError),
    high: left / Math.max(rate - 2 * standardError, rate / 4),
  };
}
