import { maxLineBytes } from '../files/read-lines.ts';

/** A record of a CSV; the bytes of a cell are the characters of its text (latin1). */
export interface CsvRecord {
  /** The line of the file on which the record starts, from 1. */
  line: number;
  /** Cells of the record; null where the quotes of the line make no sense. */
  cells: string[] | null;
}

/**
 * Splits a CSV (RFC 4180, lines that end in LF or CRLF) into records; those that a piece of the file completed come
 * together. After a line whose quotes make no sense it goes on with the next line, where the parsers at hand read on to
 * some later quote, and take the rows between for one cell. A quote inside a cell that does not start with one is text.
 */
export async function* splitCsv(csv: AsyncIterable<Buffer>): AsyncGenerator<CsvRecord[]> {
  let text = '';
  let waiting: string[] = [];
  let waitingBytes = 0;
  let wanted: Wanted = '\n';
  let line = 1;
  for await (const piece of csv) {
    const added = piece.toString('latin1');
    waiting.push(added);
    waitingBytes += added.length;
    // A long cell comes in many pieces: looking at all of it again for each would take time in its square.
    if (!added.includes(wanted) && waitingBytes <= maxLineBytes) continue;
    const split = splitText({ text: text + waiting.join(''), line, isLast: false });
    waiting = [];
    waitingBytes = 0;
    ({ text, line, wanted } = split);
    if (split.records.length > 0) yield split.records;
  }
  yield splitText({ text: text + waiting.join(''), line, isLast: true }).records;
}

/** No record can end without a line feed, nor a quoted cell without a quote. */
type Wanted = '\n' | '"';

interface Source {
  /** Starts where a record starts. */
  text: string;
  line: number;
  /** Nothing comes after the text. */
  isLast: boolean;
}

/** The records that are whole, and what is left; no more can be read from it before `wanted` has come. */
function splitText(source: Source): { records: CsvRecord[]; text: string; line: number; wanted: Wanted } {
  const { text } = source;
  const records: CsvRecord[] = [];
  let { line } = source;
  let start = 0;
  while (start < text.length) {
    const read = readRecord(source, start);
    if (typeof read === 'string') return { records, text: text.slice(start), line, wanted: read };
    if (read.cells === null || read.cells.length > 1 || read.end > endOfBlank(text, start)) {
      records.push({ line, cells: read.cells });
    }
    line += countLineFeeds(text, start, read.end);
    start = read.end;
  }
  return { records, text: '', line, wanted: '\n' };
}

interface Read {
  cells: string[] | null;
  /** Index behind the line feed. */
  end: number;
}

/** The record, or what must come before it can be read. */
function readRecord(source: Source, start: number): Read | Wanted {
  const { text, isLast } = source;
  const lineEnd = text.indexOf('\n', start);
  if (lineEnd === -1 && !isLast) return '\n';
  const end = lineEnd === -1 ? text.length : lineEnd + 1;
  const line = text.slice(start, end);
  if (!line.includes('"')) return { cells: withoutLineEnd(line).split(','), end };
  return readQuoted(source, start) ?? { cells: null, end };
}

/** Reads a quoted cell; null where the quotes make no sense. */
function readQuoted(source: Source, start: number): Read | Wanted | null {
  const { text, isLast } = source;
  const cells: string[] = [];
  for (let at = start; ;) {
    const isQuoted = text[at] === '"';
    const end = isQuoted ? findClosingQuote(text, at + 1) : findEnd(text, at);
    if (end === -1) return isLast || text.length - start > maxLineBytes ? null : '"';
    cells.push(isQuoted ? text.slice(at + 1, end).replaceAll('""', '"') : text.slice(at, end));
    at = isQuoted ? end + 1 : end;
    if (text[at] !== ',') return endRecord(source, cells, at);
    at++;
  }
}

function endRecord({ text, isLast }: Source, cells: string[], at: number): Read | Wanted | null {
  const end = endOfBlank(text, at);
  if (end > at && text[end - 1] === '\n') return { cells, end };
  if (end < text.length) return null;
  return isLast ? { cells, end } : '\n';
}

function findClosingQuote(text: string, from: number): number {
  let at = text.indexOf('"', from);
  while (at !== -1 && text[at + 1] === '"') at = text.indexOf('"', at + 2);
  return at;
}

const plainCell = /[^,\n]*/y;

/** Index behind the cell; a carriage return before the line feed does not belong to it. */
function findEnd(text: string, from: number): number {
  plainCell.lastIndex = from;
  plainCell.test(text);
  const end = plainCell.lastIndex;
  return text[end] !== ',' && end > from && text[end - 1] === '\r' ? end - 1 : end;
}

/** Index behind the line end that starts at `at`, or `at` where none starts there. */
function endOfBlank(text: string, at: number): number {
  const lineFeedAt = text[at] === '\r' ? at + 1 : at;
  if (lineFeedAt === text.length) return lineFeedAt;
  return text[lineFeedAt] === '\n' ? lineFeedAt + 1 : at;
}

const withoutLineEnd = (line: string): string => line.replace(/\r?\n?$/, '');

function countLineFeeds(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = text.indexOf('\n', from); at !== -1 && at < to; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
