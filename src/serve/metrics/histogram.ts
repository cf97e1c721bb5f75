import { type MetricSample, numberText } from './text-format.ts';

export interface Histogram {
  observe: (value: number) => void;
  samples: () => MetricSample[];
}

/** Upper limits of the buckets of a time, in seconds: from 10 ms, a cached answer of a few tokens, to 10 minutes. */
export const secondsBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

/** Counts values in buckets, each of which holds all that is at most its limit, as Prometheus has them. */
export function createHistogram(limits: readonly number[]): Histogram {
  const counts = limits.map(() => 0);
  let count = 0;
  let sum = 0;
  return {
    observe(value) {
      count++;
      sum += value;
      limits.forEach((limit, at) => (counts[at] = (counts[at] ?? 0) + Number(value <= limit)));
    },
    samples: () => [
      ...limits.map((limit, at) => bucket(limit, counts[at] ?? 0)),
      bucket(Infinity, count),
      { suffix: '_sum', value: sum },
      { suffix: '_count', value: count },
    ],
  };
}

const bucket = (limit: number, value: number): MetricSample => ({
  suffix: '_bucket',
  labels: { le: numberText(limit) },
  value,
});
