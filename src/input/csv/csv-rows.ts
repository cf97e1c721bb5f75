import { isUtf8 } from 'node:buffer';
import { UsageError, messageOf } from '../../core/errors.ts';
import { markBadRow, notUtf8 } from '../bad-row.ts';
import { type Header, letterOf, readHeader } from './read-header.ts';
import { type CsvRecord, splitCsv } from './split-csv.ts';

/** Form of a table. The bytes are in UTF-8 already, and begin with no byte order mark. */
export interface TableForm {
  /** The character between the cells; null: found in the header. */
  delimiter: string | null;
  /** Called once, when the header has been read. */
  onHeader?: (table: FoundTable) => void;
}

/** What the header of a table says. */
export interface FoundTable {
  delimiter: string;
  columns: readonly string[];
}

/**
 * Turns a CSV with a header into JSONL, row by row, so that the rest of the pipe knows one format. A row with a quote
 * out of place, that does not fit the header or is not UTF-8, becomes a marked line, which the reader turns into a
 * failed result. A row that starts on line n of the CSV is line n - 1 of the JSONL: blank lines stand for what has no
 * row, such as a row of empty cells.
 */
export async function* csvToJsonl(
  csv: AsyncIterable<Buffer>,
  { delimiter, onHeader }: TableForm,
): AsyncGenerator<Buffer> {
  let found = '';
  try {
    const records = splitCsv(csv, delimiter, (character) => (found = character));
    yield* toBlocks(records, ({ names }) => onHeader?.({ delimiter: found, columns: names }));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`the CSV can't be read: ${messageOf(error)}`);
  }
}

/** Rows are handed on in blocks: a write a row would cost more than the row. */
async function* toBlocks(
  pieces: AsyncIterable<CsvRecord[]>,
  onHeader: (header: Header) => void,
): AsyncGenerator<Buffer> {
  let header: Header | null = null;
  let nextLine = 2;
  for await (const records of pieces) {
    let block = '';
    for (const { line, cells } of records) {
      if (cells !== null && cells.length > 1 && cells.every(isBlank)) continue;
      if (header === null) {
        header = readHeader(textsOfHeader(cells));
        onHeader(header);
        continue;
      }
      block += `${'\n'.repeat(line - nextLine)}${toLine(header, cells)}\n`;
      nextLine = line + 1;
    }
    if (block !== '') yield Buffer.from(block);
  }
}

const isBlank = (cell: string): boolean => cell.trim() === '';

function textsOfHeader(cells: string[] | null): string[] {
  if (cells === null) throw new UsageError(`the CSV's header can't be read: ${badQuote}`);
  const texts = cells.map(decode);
  if (!texts.every((text) => text !== null)) {
    throw new UsageError(
      "the CSV's header is not in UTF-8",
      'Name its encoding: --encoding windows-1252 in the West, shift_jis in Japan, gb18030 in China. Or save it as "CSV UTF-8".',
    );
  }
  if (texts.some((text) => /\r(?!\n)/.test(text)))
    throw new UsageError('the lines of the CSV end in a carriage return alone', "Convert them: tr '\\r' '\\n'");
  return texts;
}

function toLine(header: Header, cells: string[] | null): string {
  if (cells === null) return markBadRow({ reason: badQuote });
  const misfit = misfitOf(header, cells);
  if (misfit !== null) return markBadRow({ reason: misfit });
  const texts = cells.map(decode);
  if (texts.includes(null)) {
    const pairs = header.names.map((name, index) => [name, texts[index] ?? null] as const);
    return markBadRow({ reason: notUtf8, row: Object.fromEntries(pairs) });
  }
  // An object would put columns that are called by a number first.
  return `{${header.keys.map((key, index) => key + JSON.stringify(texts[index])).join(',')}}`;
}

const badQuote = 'a quote that is never closed, or not doubled inside its cell';

/** Why the cells are not those of the header's columns, or null. */
function misfitOf({ names, width }: Header, cells: readonly string[]): string | null {
  const filled = cells.findLastIndex((cell) => !isBlank(cell));
  if (cells.length >= names.length && filled < names.length) return null;
  if (cells.length === width && filled >= names.length)
    return `column ${letterOf(filled)} has no name in the header, and this row fills it`;
  return `${count(cells.length)}, where the header has ${count(names.length).replace(/ .*/, '')}`;
}

const count = (columns: number): string => `${columns} ${columns === 1 ? 'column' : 'columns'}`;

/** The text of a cell, or null where its bytes are not UTF-8. */
function decode(cell: string): string | null {
  if (!/[\x80-\xff]/.test(cell)) return cell;
  const bytes = Buffer.from(cell, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : null;
}
