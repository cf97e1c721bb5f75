import { type RejectedLine, placeOf } from '../../core/request.ts';
import { formatInteger } from '../../text/format.ts';
import { printable } from '../../text/printable.ts';
import { printWrapped } from '../shared/print.ts';

/** Bad lines with the same reason, as ranges of lines that follow one another. */
interface Group {
  first: Pick<RejectedLine, 'line' | 'unit' | 'reason'>;
  count: number;
  ranges: [from: number, to: number][];
}

/** Of reasons and of ranges, so that a long input takes little memory. */
const maxWaiting = 1000;

/**
 * Prints bad lines, those with the same reason in one row: a fault of all lines would else push everything else off the
 * screen. For `--json` they are kept, each by itself.
 */
export function createBadLines(isKept: boolean) {
  const lines: { line: number; id: string; reason: string }[] = [];
  const groups = new Map<string, Group>();
  let waiting = 0;
  let printed: Promise<unknown> = Promise.resolve();
  let looksLikeCsv = false;
  const flush = (): Promise<unknown> => {
    const text = [...groups.values()].map(describeGroup).join('');
    groups.clear();
    waiting = 0;
    printed = printed.then(() => printWrapped(text));
    return printed;
  };
  const group = (rejected: RejectedLine): void => {
    const key = `${rejected.unit} ${rejected.reason}`;
    const { line, unit, reason } = rejected;
    const known = groups.get(key) ?? { first: { line, unit, reason }, count: 0, ranges: [] };
    const last = known.ranges.at(-1);
    known.count++;
    groups.set(key, known);
    if (last?.[1] === rejected.line - 1) {
      last[1] = rejected.line;
      return;
    }
    known.ranges.push([rejected.line, rejected.line]);
    waiting++;
    if (waiting >= maxWaiting) void flush();
  };
  return {
    lines,
    flush,
    looksLikeCsv: () => looksLikeCsv,
    add: (rejected: RejectedLine): void => {
      const { line, id, reason } = rejected;
      if (line === 1) looksLikeCsv = csvHeader.test(reason);
      if (isKept) lines.push({ line, id, reason });
      else group(rejected);
    },
  };
}

/** lines 2 to 4, 6 (4): the field "city" is empty */
function describeGroup({ first, count, ranges }: Group): string {
  const reason = printable(first.reason);
  if (count === 1) return `${placeOf(first)}: ${reason}\n`;
  const places = ranges.map(([from, to]) => (from === to ? String(from) : `${from} to ${to}`));
  return `${first.unit ?? 'line'}s ${places.join(', ')} (${formatInteger(count)}): ${reason}\n`;
}

/** Matches what JSON.parse says of a line without a brace and with a comma: it quotes the first characters. */
const csvHeader = /^not JSON: [^{}]*"[^{}]*,[^{}]*" ?(?:\.\.\.)? ?is not valid JSON$/;
