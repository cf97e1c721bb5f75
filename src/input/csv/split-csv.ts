import { maxLineBytes } from '../../files/read-lines.ts';
import { findDialect } from './find-dialect.ts';

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
 * some later quote, and take the rows between for one cell. A quote inside a cell that does not start with one is text,
 * and between tabs so is one that makes no sense: not all that write such files quote. `given` is the character between
 * the cells; null: found in the header. `onDelimiter` is told which it is.
 */
export async function* splitCsv(
  csv: AsyncIterable<Buffer>,
  given: string | null,
  onDelimiter: (delimiter: string) => void = () => undefined,
): AsyncGenerator<CsvRecord[]> {
  const split = createSplitter(given === null ? null : Buffer.from(given).toString('latin1'), onDelimiter);
  let waiting: string[] = [];
  let waitingBytes = 0;
  let wanted: Wanted = '\n';
  for await (const piece of csv) {
    const added = piece.toString('latin1');
    waiting.push(added);
    waitingBytes += added.length;
    // A long cell comes in many pieces: looking at all of it again for each would take time in its square.
    if (!added.includes(wanted) && waitingBytes <= maxLineBytes) continue;
    const found = split(waiting.join(''), false);
    waiting = [];
    waitingBytes = 0;
    wanted = found.wanted;
    if (found.records.length > 0) yield found.records;
  }
  yield split(waiting.join(''), true).records;
}

/** No record can end without a line feed, nor a quoted cell without a quote. */
type Wanted = '\n' | '"';

interface Split {
  /** The records that are whole. */
  records: CsvRecord[];
  /** No more can be read before this has come. */
  wanted: Wanted;
}

function createSplitter(
  given: string | null,
  onDelimiter: (delimiter: string) => void,
): (added: string, isLast: boolean) => Split {
  let text = '';
  let line = 1;
  let delimiter: string | null = null;
  return (added, isLast) => {
    text += added;
    if (delimiter === null) {
      const dialect = findDialect(text, { given, isLast });
      if (dialect === null) return { records: [], wanted: '\n' };
      ({ delimiter } = dialect);
      onDelimiter(Buffer.from(delimiter, 'latin1').toString());
      line += countLineFeeds(text, 0, dialect.skipped);
      text = text.slice(dialect.skipped);
    }
    const split = splitText({ text, delimiter, isLast }, line);
    ({ text, line } = split);
    return split;
  };
}

interface Source {
  /** Starts where a record starts. */
  text: string;
  delimiter: string;
  /** Nothing comes after the text. */
  isLast: boolean;
}

/** Splits the text, which starts on `firstLine`, and returns what is left of it too. */
function splitText(source: Source, firstLine: number): Split & { text: string; line: number } {
  const { text } = source;
  const records: CsvRecord[] = [];
  let line = firstLine;
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
  const { text, delimiter, isLast } = source;
  const lineEnd = text.indexOf('\n', start);
  if (lineEnd === -1 && !isLast) return '\n';
  const end = lineEnd === -1 ? text.length : lineEnd + 1;
  const line = text.slice(start, end);
  if (!line.includes('"')) return { cells: withoutLineEnd(line).split(delimiter), end };
  const cells: string[] = [];
  for (let at = start; ;) {
    const cell = readCell(source, at, start);
    if (cell === null) return { cells: null, end };
    if (typeof cell === 'string') return cell;
    cells.push(cell.text);
    at = cell.end;
    if (!text.startsWith(delimiter, at)) return { cells, end: endOfBlank(text, at) };
    at += delimiter.length;
  }
}

interface Cell {
  text: string;
  /** Index behind the cell and the blanks after it: of a delimiter, of a line end, or of the end of the text. */
  end: number;
}

/** Reads the cell at `at`; null where its quotes make no sense. */
function readCell(source: Source, at: number, recordStart: number): Cell | Wanted | null {
  const quote = endOfSpaces(source, at);
  if (source.text[quote] !== '"') return readPlain(source, at);
  const quoted = readQuoted(source, quote, recordStart);
  // Blanks before a quote may be text, and so may a quote between tabs.
  return quoted === null && (quote > at || source.delimiter === '\t') ? readPlain(source, at) : quoted;
}

function readQuoted(source: Source, quote: number, recordStart: number): Cell | Wanted | null {
  const { text, isLast } = source;
  const close = closingQuote(text, quote + 1);
  if (close === -1) return isLast || text.length - recordStart > maxLineBytes ? null : '"';
  const end = endOfSpaces(source, close + 1);
  if (mayGoOn(source, end)) return '\n';
  return isCellEnd(source, end) ? { text: text.slice(quote + 1, close).replaceAll('""', '"'), end } : null;
}

function closingQuote(text: string, from: number): number {
  let at = text.indexOf('"', from);
  while (at !== -1 && text[at + 1] === '"') at = text.indexOf('"', at + 2);
  return at;
}

/** Says whether the text ends too early to tell what stands at `at`. */
function mayGoOn({ text, delimiter, isLast }: Source, at: number): boolean {
  return !isLast && text[at] !== '\n' && text.length - at < Math.max(delimiter.length, '\r\n'.length);
}

const isCellEnd = ({ text, delimiter }: Source, at: number): boolean =>
  at === text.length || text.startsWith(delimiter, at) || endOfBlank(text, at) > at;

/** A cell without quotes; a carriage return before the line feed does not belong to it. */
function readPlain({ text, delimiter, isLast }: Source, at: number): Cell | Wanted {
  const lineFeed = text.indexOf('\n', at);
  if (lineFeed === -1 && !isLast) return '\n';
  const lineEnd = lineFeed === -1 ? text.length : lineFeed;
  const next = text.slice(at, lineEnd).indexOf(delimiter);
  const end = next === -1 ? lineEnd - Number(lineEnd > at && text[lineEnd - 1] === '\r') : at + next;
  return { text: text.slice(at, end), end };
}

function endOfSpaces({ text, delimiter }: Source, from: number): number {
  if (delimiter === ' ') return from;
  let at = from;
  while (text[at] === ' ') at++;
  return at;
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
