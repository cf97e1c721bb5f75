import { formatRate, notMeasured } from '../../text/format.ts';
import type { WorkerCurve } from '../analysis/analysis.ts';
import type { Range } from '../statistics/steady.ts';

type Quoted = Pick<WorkerCurve['points'][number], 'rate' | 'low' | 'high' | 'rough'>;

/** The rate of the steady part with its range, else the rough one; null where nothing was answered. */
export const rangeOf = ({ rate, low, high, rough }: Quoted): Range | null =>
  rate === null || low === null || high === null ? rough : { rate, low, high };

/** Cells for a rate and its 95 % range; `~` marks a rough one. */
export function quotedRate(quoted: Quoted): [rate: string, range: string] {
  const range = rangeOf(quoted);
  if (range === null) return [notMeasured, notMeasured];
  return [`${quoted.rate === null ? '~' : ''}${formatRate(range.rate)}`, rangeText(range)];
}

/** Writes a range: `95.3 to 100.2`. */
const rangeText = ({ low, high }: Pick<Range, 'low' | 'high'>): string =>
  `${formatRate(Math.max(0, low))} to ${formatRate(high)}`;

/** A table without the columns of which nothing was measured, or asked for. */
export function withoutUnmeasured(header: string[], rows: string[][]): { header: string[]; rows: string[][] } {
  const isKept = (_cell: unknown, column: number): boolean => rows.some((row) => row[column] !== notMeasured);
  return { header: header.filter(isKept), rows: rows.map((row) => row.filter(isKept)) };
}

/** A legend for the columns of a table of rates. */
export const rateLegend =
  '95 % range: in 95 of 100 cases, the true rate is in this range. ~: a rough rate, because it was not steady yet. p50, p95: half of the requests, or 95 of 100, took at most this time. First 20: the rate of the first 20 answers.';
