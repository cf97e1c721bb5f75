import { printable } from '../text/printable.ts';

/**
 * Lines of a label and a value, the values in one column. Labels are ours and in ASCII: this is a file of its own so that a
 * run, which prints its summary with it, need not load the tables of Unicode that aligning other texts takes.
 */
export function alignPairs(rows: string[][]): string[] {
  const width = Math.max(...rows.map(([label = '']) => label.length));
  return rows.map(([label = '', value = '']) => `${label.padEnd(width)}  ${printable(value)}`);
}
