import { formatRate, notMeasured } from '../../text/format.ts';
import type { WorkerCurve } from '../analysis/analysis.ts';
import type { Range } from '../statistics/steady.ts';

type Quoted = Pick<WorkerCurve['points'][number], 'rate' | 'low' | 'high' | 'rough'>;

/** The rate of the steady part with its range, else the rough one; null where nothing was answered. */
export const rangeOf = ({ rate, low, high, rough }: Quoted): Range | null =>
  rate === null || low === null || high === null ? rough : { rate, low, high };

/** Cells for a rate and its 95 % range; `about` marks a rough one. */
export function quotedRate(quoted: Quoted): [rate: string, range: string] {
  const range = rangeOf(quoted);
  if (range === null) return [notMeasured, notMeasured];
  return [`${quoted.rate === null ? 'about ' : ''}${formatRate(range.rate)}`, rangeText(range)];
}

/** `95.3 to 100.2` */
const rangeText = ({ low, high }: Pick<Range, 'low' | 'high'>): string =>
  `${formatRate(Math.max(0, low))} to ${formatRate(high)}`;

/** What the columns of a table of rates mean. */
export const rateLegend =
  '95 % range: the true rate lies in it in 95 of 100 cases; about: the trials were too short for a steady rate, and this one is rough. Half of the requests take no longer than p50, 95 of 100 no longer than p95. First 20: the rate that the first 20 answers promised.';
