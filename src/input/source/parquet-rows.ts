import type { FileHandle } from 'node:fs/promises';
import type { ParquetParsers } from 'hyparquet';
import { UsageError, messageOf } from '../../core/errors.ts';
import { printable } from '../../text/printable.ts';
import { JsonText, type WriteValue, decoder, isoTime, readDecimalsWhole, writerOf } from './parquet-values.ts';

/**
 * Turns the rows of a Parquet file into JSONL: row n is line n. Whole numbers and decimals keep their digits, times are
 * ISO texts, lists and structs are JSON. It is read by row groups: memory is bounded by the largest. Throws a `UsageError`
 * where the file is broken, or not read to its last row.
 */
export async function* parquetToJsonl(handle: FileHandle, name: string): AsyncGenerator<Buffer> {
  try {
    yield* readRows(handle);
  } catch (error) {
    const reason = messageOf(error);
    const kind = /unsupported|encrypt/i.test(reason) ? `: ${printable(reason)}` : '';
    throw new UsageError(
      `${name} is a broken Parquet file, or one of a kind that can't be read${kind}`,
      'Nothing was read. Write it again, or as JSONL.',
    );
  }
}

async function* readRows(handle: FileHandle): AsyncGenerator<Buffer> {
  const [{ parquetMetadataAsync, parquetScan, parquetSchema }, { compressors }] = await Promise.all([
    import('hyparquet'),
    import('hyparquet-compressors'),
  ]);
  const file = {
    byteLength: (await handle.stat()).size,
    slice: (start: number, end?: number) => readSlice(handle, start, end),
  };
  const metadata = await parquetMetadataAsync(file, { geoparquet: false });
  const columns = parquetSchema(metadata).children.map((node) => ({ name: node.element.name, write: writerOf(node) }));
  readDecimalsWhole(metadata.schema);
  // The statistics only prune, and what is not read can't be broken.
  const scan = await parquetScan({
    file,
    metadata,
    compressors,
    parsers,
    utf8: false,
    geoparquet: false,
    useOffsetIndex: false,
  });
  let rows = 0;
  for (const { rowStart, rowEnd } of scan.ranges) {
    const values = await Promise.all(columns.map(({ name: column }) => scan.readColumn({ column, rowStart, rowEnd })));
    const isShort = values.some(({ length }) => length !== rowEnd - rowStart);
    if (isShort) throw new Error(`rows ${rowStart + 1} to ${rowEnd} are not all there`);
    yield* toBlocks(columns.map((column, at) => ({ ...column, values: values[at]! })));
    rows = rowEnd;
  }
  if (rows !== Number(metadata.num_rows)) throw new Error(`it has ${rows} rows of ${metadata.num_rows}`);
}

async function readSlice(handle: FileHandle, start: number, end?: number): Promise<ArrayBuffer> {
  const length = (end ?? (await handle.stat()).size) - start;
  const bytes = new Uint8Array(new ArrayBuffer(length));
  for (let read = 0; read < length;) {
    const { bytesRead } = await handle.read(bytes, read, length - read, start + read);
    if (bytesRead === 0) throw new Error('it ends too early');
    read += bytesRead;
  }
  return bytes.buffer;
}

const parsers: Partial<ParquetParsers> = {
  timestampFromMilliseconds: (value) => isoTime(value, 3),
  timestampFromMicroseconds: (value) => isoTime(value, 6),
  timestampFromNanoseconds: (value) => isoTime(value, 9),
  dateFromDays: (days) => new Date(days * 86_400_000).toISOString().replace(/T.*/, ''),
  stringFromBytes: (bytes) => decoder.decode(bytes),
  jsonFromBytes: (bytes) => new JsonText(decoder.decode(bytes)),
};

interface ParquetColumn {
  name: string;
  values: ArrayLike<unknown>;
  write: WriteValue;
}

const rowsAtOnce = 1000;

function* toBlocks(columns: readonly ParquetColumn[]): Generator<Buffer> {
  const keys = columns.map(({ name }) => JSON.stringify(name));
  if (new Set(keys).size < keys.length) throw new Error('it names a column twice');
  const rows = columns[0]?.values.length ?? 0;
  for (let from = 0; from < rows; from += rowsAtOnce) {
    let block = '';
    for (let row = from; row < Math.min(from + rowsAtOnce, rows); row++) {
      const cells = columns.map(({ values, write }, at) => `${keys[at]}:${write(values[row])}`);
      block += `{${cells.join(',')}}\n`;
    }
    yield Buffer.from(block);
  }
}
