import type { TrialRecord, Window } from '../records/records.ts';

/** Mean of the values that were measured; null where none was. */
export function meanOf(values: readonly (number | null | undefined)[]): number | null {
  const measured = values.filter((value) => value !== null && value !== undefined);
  return measured.length === 0 ? null : average(measured);
}

/** Mean of numbers, of which there must be one at least. */
export const average = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Requests answered per second of a whole trial, from the first request to the last answer; null where none was. */
export const rateOf = ({ succeeded, seconds }: Pick<TrialRecord, 'succeeded' | 'seconds'>): number | null =>
  succeeded > 0 && seconds > 0 ? succeeded / seconds : null;

/** Requests answered per second of a stretch of windows. */
export const windowRate = (windows: readonly Window[]): number => answersOf(windows) / secondsOf(windows);

export const answersOf = (windows: readonly Window[]): number =>
  windows.reduce((sum, { requests, failures }) => sum + requests - failures, 0);

export const secondsOf = (windows: readonly Window[]): number => windows.reduce((sum, { seconds }) => sum + seconds, 0);

/** Rates of `count` stretches, one after the other, each of about as many windows. */
export const batchRates = (windows: readonly Window[], count: number): number[] =>
  Array.from({ length: count }, (_, at) => {
    const [from, to] = [at, at + 1].map((edge) => Math.floor((edge * windows.length) / count));
    return windowRate(windows.slice(from, to));
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

/** x with `P(X <= x) = share` for a standard normal X, to four figures (Abramowitz and Stegun 26.2.23). */
export function normalQuantile(share: number): number {
  if (share < 0.5) return -normalQuantile(1 - share);
  const t = Math.sqrt(-2 * Math.log(1 - share));
  return t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
}

/**
 * x with `P(X <= x) = share` for Student's t: exact for one and two degrees of freedom, within 3 % for more (Cornish and
 * Fisher's expansion).
 */
export function studentQuantile(share: number, freedom: number): number {
  const inside = 2 * share - 1;
  if (freedom === 1) return Math.tan((Math.PI * inside) / 2);
  if (freedom === 2) return inside * Math.sqrt(2 / (1 - inside ** 2));
  const z = normalQuantile(share);
  return (
    z +
    (z ** 3 + z) / (4 * freedom) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * freedom ** 3)
  );
}

/** Compares two lists by the first value that differs: above 0 where it is larger on the left. */
export function compareLists(left: readonly number[], right: readonly number[]): number {
  const at = left.findIndex((value, index) => value !== right[index]);
  return at === -1 ? 0 : (left[at] ?? 0) - (right[at] ?? 0);
}
