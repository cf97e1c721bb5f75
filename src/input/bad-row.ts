import { isRecord } from '../data/is-record.ts';

/** A row of a table, or a line of plain text, that can't be read. */
export interface BadRow {
  reason: string;
  /** The cells that could be read; the others are null. */
  row?: Record<string, unknown>;
}

export const notUtf8 = 'not valid UTF-8: name the encoding of the file, such as --encoding windows-1252';

/** No JSON begins with it: among the lines that a file of another form became, it marks a row that can't be read. */
const mark = '\u0001';

export const markBadRow = (bad: BadRow): string => `${mark}${JSON.stringify(bad)}`;

/** Reads what `markBadRow` wrote; null for any other line. In a file of JSONL anybody may have written it. */
export function readBadRow(text: string): BadRow | null {
  if (!text.startsWith(mark)) return null;
  const bad: unknown = JSON.parse(text.slice(mark.length));
  return isRecord(bad) ? (bad as unknown as BadRow) : null;
}
