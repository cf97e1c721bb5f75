import { isUtf8 } from 'node:buffer';
import { UsageError, messageOf } from '../core/errors.ts';
import { badQuote, badRowMark } from './read-request.ts';
import { type CsvRecord, splitCsv } from './split-csv.ts';

/** Form of a table. The bytes are in UTF-8 already, and begin with no byte order mark. */
export interface TableForm {
  /** The character between the cells; null: found in the header. */
  delimiter: string | null;
}

/**
 * Turns a CSV with a header into JSONL, row by row, so that the rest of the pipe knows one format. A row with a quote
 * out of place, that does not fit the header or is not UTF-8, becomes a marked line, which the reader turns into a
 * failed result. A row that starts on line n of the CSV is line n - 1 of the JSONL: blank lines stand for what has no
 * row.
 */
export async function* csvToJsonl(csv: AsyncIterable<Buffer>, _form: TableForm): AsyncGenerator<Buffer> {
  try {
    yield* toBlocks(splitCsv(withoutMark(csv)));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`the CSV can't be read: ${messageOf(error)}`);
  }
}

const byteOrderMark = Buffer.from('\uFEFF');

async function* withoutMark(csv: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let start: Buffer | null = Buffer.alloc(0);
  for await (const piece of csv) {
    if (start === null) {
      yield piece;
      continue;
    }
    start = Buffer.concat([start, piece]);
    if (start.length < byteOrderMark.length) continue;
    yield start.indexOf(byteOrderMark) === 0 ? start.subarray(byteOrderMark.length) : start;
    start = null;
  }
  if (start !== null && start.length > 0) yield start;
}

/** Rows are handed on in blocks: a write a row would cost more than the row. */
async function* toBlocks(pieces: AsyncIterable<CsvRecord[]>): AsyncGenerator<Buffer> {
  let header: string[] | null = null;
  let nextLine = 2;
  for await (const records of pieces) {
    let block = '';
    for (const { line, cells } of records) {
      if (header === null) {
        header = readHeader(cells);
        continue;
      }
      block += `${'\n'.repeat(line - nextLine)}${toLine(header, cells)}\n`;
      nextLine = line + 1;
    }
    if (block !== '') yield Buffer.from(block);
  }
}

function readHeader(cells: string[] | null): string[] {
  if (cells === null) throw new UsageError(`the CSV's header can't be read: ${badQuote}`);
  const header = cells.map(decode);
  if (!header.every((name) => name !== null))
    throw new UsageError('the CSV is not in UTF-8', 'Save it as "CSV UTF-8", or convert it with iconv.');
  if (header.some((name) => /\r(?!\n)/.test(name)))
    throw new UsageError('the lines of the CSV end in a carriage return alone', "Convert them: tr '\\r' '\\n'");
  const twice = header.find((name, index) => header.indexOf(name) !== index);
  if (twice !== undefined) throw new UsageError(`the CSV's header names the column "${twice}" twice`);
  return header;
}

function toLine(header: string[], cells: string[] | null): string {
  if (cells === null) return `${badRowMark}${badQuote}`;
  if (cells.length !== header.length) {
    return `${badRowMark}${cells.length} columns, where the header has ${header.length}`;
  }
  const texts = cells.map(decode);
  if (texts.includes(null)) return `${badRowMark}not valid UTF-8`;
  return JSON.stringify(Object.fromEntries(header.map((name, index) => [name, texts[index]])));
}

/** The text of a cell, or null where its bytes are not UTF-8. */
function decode(cell: string): string | null {
  if (!/[\x80-\xff]/.test(cell)) return cell;
  const bytes = Buffer.from(cell, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : null;
}
