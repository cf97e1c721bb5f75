import { normalQuantile } from './mean.ts';

/** Significance level of the trend test: 1 % false positives. */
const significance = 1 / 100;
/** Number of values from which on Kendall's statistic is close enough to normal. */
const minCount = 8;

export interface Trend {
  /**
   * Change over the whole series as a share of where it starts, along the Theil-Sen line (the median of the slopes
   * between all pairs), which single outliers don't move.
   */
  change: number;
  /** Says whether Kendall's test can tell the trend from noise. */
  isClear: boolean;
}

/** Trend of values at equal distances; null where they are too few, or not above 0. */
export function findTrend(values: readonly number[]): Trend | null {
  if (values.length < minCount) return null;
  const slope = median(pairs(values).map(([left, right, distance]) => (right - left) / distance));
  const start = median(values.map((value, at) => value - slope * (at + 0.5)));
  if (!(start > 0)) return null;
  return {
    change: (slope * values.length) / start,
    isClear: Math.abs(kendall(values)) > normalQuantile(1 - significance / 2),
  };
}

const pairs = (values: readonly number[]): [left: number, right: number, distance: number][] =>
  values.flatMap((left, at) =>
    values.slice(at + 1).map((right, distance): [number, number, number] => [left, right, distance + 1]),
  );

/** Pairs that rise less pairs that fall, in standard deviations of a series without a trend. */
function kendall(values: readonly number[]): number {
  const count = values.length;
  const sum = pairs(values).reduce((total, [left, right]) => total + Math.sign(right - left), 0);
  return (sum - Math.sign(sum)) / Math.sqrt((count * (count - 1) * (2 * count + 5)) / 18);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const [below, above] = [Math.ceil(sorted.length / 2) - 1, Math.floor(sorted.length / 2)];
  return ((sorted[below] ?? NaN) + (sorted[above] ?? NaN)) / 2;
}
