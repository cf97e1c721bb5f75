import { average } from './mean.ts';
import { studentQuantile } from './quantiles.ts';
import type { Window } from './records.ts';

/** Requests answered per second of a stretch of windows. */
export function rateOf(windows: readonly Window[]): number {
  const answers = windows.reduce((sum, { requests, failures }) => sum + requests - failures, 0);
  return answers / secondsOf(windows);
}

export const secondsOf = (windows: readonly Window[]): number => windows.reduce((sum, { seconds }) => sum + seconds, 0);

/** The rates of `count` stretches, one after the other, each of about as many windows. */
export const batchRates = (windows: readonly Window[], count: number): number[] =>
  Array.from({ length: count }, (_, at) => {
    const [from, to] = [at, at + 1].map((edge) => Math.floor((edge * windows.length) / count));
    return rateOf(windows.slice(from, to));
  });

/**
 * Half of the 95 % range of the mean rate, by batch means. Windows that follow each other are alike, so their own spread would
 * promise too much; batches are less so the longer they are, but then there are few. Taken is the wider of two ranges.
 */
export const halfRange = (windows: readonly Window[]): number =>
  Math.max(...[10, 5].map((count) => studentQuantile(0.975, count - 1) * standardError(batchRates(windows, count))));

export function standardError(values: readonly number[]): number {
  const mean = average(values);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1) / values.length);
}
