import type { RunTimes } from '../core/snapshot.ts';

/**
 * Seconds left by the recent rate. The range is the rate more and less two standard errors; a rate is never taken to
 * fall below a quarter, so that the range stays finite.
 */
export function estimateEta(facts: {
  /** Requests still to do; null while the total is unknown. */
  left: number | null;
  rate: number | null;
  standardError: number | null;
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
