import { isUtf8 } from 'node:buffer';
import { Readable } from 'node:stream';
import { UsageError, messageOf } from '../core/errors.ts';
import { badRowMark } from './read-request.ts';

/**
 * Turns a CSV with a header into JSONL, row by row, so that the rest of the pipe knows one format. A row that does not
 * fit the header, or is not UTF-8, becomes a marked line, which the reader turns into a failed result.
 */
export async function* csvToJsonl(csv: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const { parse } = await import('csv-parse');
  // Cells come as bytes: decoded by the parser, what is not UTF-8 would be replaced in silence.
  const parser = parse({
    encoding: null,
    // All of them, whichever comes first: a file that two programs wrote may mix them.
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    skip_empty_lines: true,
  });
  const source = Readable.from(withoutMark(csv));
  source.on('error', (error) => parser.destroy(error));
  source.pipe(parser);
  try {
    yield* toBlocks(parser as AsyncIterable<Buffer[]>);
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
async function* toBlocks(records: AsyncIterable<Buffer[]>): AsyncGenerator<Buffer> {
  let header: string[] | null = null;
  let block = '';
  for await (const record of records) {
    if (header === null) header = readHeader(record);
    else block += `${toLine(header, record)}\n`;
    if (block.length < blockLength) continue;
    yield Buffer.from(block);
    block = '';
  }
  if (block !== '') yield Buffer.from(block);
}

const blockLength = 64 * 1024;

function readHeader(record: Buffer[]): string[] {
  if (!record.every(isUtf8))
    throw new UsageError('the CSV is not in UTF-8', 'Save it as "CSV UTF-8", or convert it with iconv.');
  const header = record.map(String);
  const twice = header.find((name, index) => header.indexOf(name) !== index);
  if (twice !== undefined) throw new UsageError(`the CSV's header names the column "${twice}" twice`);
  return header;
}

function toLine(header: string[], record: Buffer[]): string {
  if (record.length !== header.length) {
    return `${badRowMark}${record.length} columns, where the header has ${header.length}`;
  }
  if (!record.every(isUtf8)) return `${badRowMark}not valid UTF-8`;
  return JSON.stringify(Object.fromEntries(header.map((name, index) => [name, String(record[index])])));
}
