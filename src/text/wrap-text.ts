import { breakText } from './break-text.ts';
import { columnsOf } from './columns.ts';

/** Columns by which the rest of a broken line stands to the right. */
const indent = 2;

/** A command of ours, up to the end of its clause: copied with a line feed in it, it would be two commands. */
const command =
  /(?<=^|\s)(?:\S+ \| )?llmbatch (?:run|resume|bench|validate|doctor|status|report|merge|export|convert|serve)\b.*?(?=[.;,)](?: |$)|$)/g;

/** Stands for a blank that is no place to break. It is in no printable text. */
const held = '\u0000';

/**
 * Breaks the lines of a printable text at their blanks, so that each takes at most so many columns. A longer word stays
 * whole, and so does a command to copy, which the terminal may break. Where a line is a label and a value, with two
 * blanks between, the rest of the value stands below its beginning.
 */
export const wrapText = (text: string, maxColumns: number): string =>
  text
    .split('\n')
    .map((line) => (columnsOf(line) <= maxColumns ? line : wrapLine(line, maxColumns)))
    .join('\n');

function wrapLine(line: string, maxColumns: number): string {
  const label = /^ *\S.*? {2,}(?=\S)/.exec(line)?.[0] ?? '';
  const margin = /^ */.exec(line)?.[0] ?? '';
  const start = label !== '' && label.length <= maxColumns / 2 ? label : margin;
  const hanging = start === margin ? margin.length + indent : start.length;
  const rest = line.slice(start.length).replaceAll(command, (found) => found.replaceAll(' ', held));
  const lines = breakText(rest, maxColumns - hanging);
  return `${start}${lines.join(`\n${' '.repeat(hanging)}`)}`.replaceAll(held, ' ');
}
