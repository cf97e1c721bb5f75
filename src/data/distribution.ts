import { createHistogram } from 'node:perf_hooks';

const microsecondsInMs = 1000;
/** 30 days: no request is slower, and what is counts as this. */
const longestMicroseconds = 30 * 86_400 * 1e6;

/** p50, p95, p99, the largest and the mean, in milliseconds; null where nothing was measured. */
export interface Distribution {
  count: number;
  mean: number;
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

export interface DistributionRecorder {
  /** Records a time in milliseconds. */
  record(valueMs: number): void;
  /** The distribution of what was recorded so far; null where nothing was. */
  read(): Distribution | null;
}

/**
 * Percentiles of times, to three figures, in 250 kB however many there are. Kept in microseconds: a histogram holds
 * integers from 1.
 */
export function createDistribution(): DistributionRecorder {
  const histogram = createHistogram({ lowest: 1, highest: longestMicroseconds, figures: 3 });
  let sumMs = 0;
  let maxMs = 0;
  // The histogram rounds up, by less than 0.1 %.
  const percentile = (percent: number): number => Math.min(maxMs, histogram.percentile(percent) / microsecondsInMs);
  return {
    record(valueMs) {
      const microseconds = Math.round(valueMs * microsecondsInMs);
      histogram.record(microseconds > 1 ? Math.min(microseconds, longestMicroseconds) : 1);
      sumMs += valueMs;
      if (valueMs > maxMs) maxMs = valueMs;
    },
    read() {
      const { count } = histogram;
      if (count === 0) return null;
      return { count, mean: sumMs / count, p50: percentile(50), p95: percentile(95), p99: percentile(99), max: maxMs };
    },
  };
}
