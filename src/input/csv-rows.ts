import { Readable } from 'node:stream';
import { UsageError, messageOf } from '../core/errors.ts';
import { badRowMark } from './read-request.ts';

/**
 * Turns a CSV with a header into JSONL, row by row, so that the rest of the pipe knows one format. A row that does not
 * fit the header becomes a marked line, which the reader turns into a failed result.
 */
export async function* csvToJsonl(csv: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const { parse } = await import('csv-parse');
  const parser = parse({ bom: true, relax_column_count: true, skip_empty_lines: true });
  const source = Readable.from(csv);
  source.on('error', (error) => parser.destroy(error));
  source.pipe(parser);
  try {
    yield* toBlocks(parser as AsyncIterable<string[]>);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`the CSV can't be read: ${messageOf(error)}`);
  }
}

/** Rows are handed on in blocks: a write a row would cost more than the row. */
async function* toBlocks(records: AsyncIterable<string[]>): AsyncGenerator<Buffer> {
  let header: string[] | null = null;
  let block = '';
  for await (const record of records) {
    if (header === null) header = checkHeader(record);
    else block += `${toLine(header, record)}\n`;
    if (block.length < blockLength) continue;
    yield Buffer.from(block);
    block = '';
  }
  if (block !== '') yield Buffer.from(block);
}

const blockLength = 64 * 1024;

function checkHeader(header: string[]): string[] {
  const twice = header.find((name, index) => header.indexOf(name) !== index);
  if (twice !== undefined) throw new UsageError(`the CSV's header names the column "${twice}" twice`);
  return header;
}

function toLine(header: string[], record: string[]): string {
  if (record.length !== header.length) {
    return `${badRowMark}${record.length} columns, where the header has ${header.length}`;
  }
  return JSON.stringify(Object.fromEntries(header.map((name, index) => [name, record[index] ?? ''])));
}
