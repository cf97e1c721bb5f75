import type { FileHandle } from 'node:fs/promises';
import { type FoundTable, csvToJsonl } from '../csv/csv-rows.ts';
import { decodeToUtf8, withoutMark } from './encoding.ts';
import { type FileName } from './file-name.ts';
import { gunzip, isGzip } from './gunzip.ts';
import { type InputForm, type Reading, lookAt } from './look.ts';
import { parquetToJsonl } from './parquet-rows.ts';
import { peek } from './peek.ts';
import { jsonToJsonl } from './split-json.ts';
import { textToJsonl } from './text-lines.ts';
import { UsageError } from '../../core/errors.ts';

/** An input that was looked at. */
export interface ExaminedInput {
  form: InputForm;
  /** Whether the file lies there as it is read: neither packed, nor in another encoding. */
  isPlain: boolean;
  /** The input from its first byte on, unpacked; to be read once. */
  bytes: AsyncIterable<Buffer>;
  encoding: string | null;
  /** The header of a table, once its rows are being read. */
  table?: FoundTable;
}

/** Looks at the first bytes of an input. Throws a `UsageError` where it is none. */
export async function examineInput(
  stream: AsyncIterable<Buffer>,
  { reading, file }: { reading: Reading; file: FileName },
): Promise<ExaminedInput> {
  const outer = await peek(stream, (head, end) => (isGzip(head) ? 'gzip' : lookAt(head, end, { reading, file })));
  if (outer.found !== 'gzip') {
    const { form, encoding } = outer.found;
    return { form, encoding, isPlain: encoding === null, bytes: outer.bytes };
  }
  const inner = await peek(gunzip(outer.bytes, file.name), (head, end) => {
    if (isGzip(head)) throw new UsageError(`${file.name} is gzip in gzip`, 'Unpack it once, with gunzip.');
    return lookAt(head, end, { reading, file });
  });
  const { form, encoding } = inner.found;
  if (form === 'parquet') throw new UsageError(`${file.name} is Parquet in gzip`, 'Unpack it first, with gunzip.');
  return { form, encoding, isPlain: false, bytes: inner.bytes };
}

/** The input as JSONL in UTF-8. `original` is the file of its bytes: Parquet is not read from its first byte on. */
export function toJsonl(
  examined: ExaminedInput,
  { file, delimiter, original }: { file: FileName; delimiter: string | null; original: FileHandle },
): AsyncIterable<Buffer> {
  const { form, encoding, bytes } = examined;
  const onHeader = (table: FoundTable): void => void (examined.table = table);
  if (form === 'parquet') return afterAll(bytes, parquetToJsonl(original, file.name));
  const text = encoding === null ? withoutMark(bytes) : decodeToUtf8(bytes, encoding, file.name);
  const readers: Record<Exclude<InputForm, 'parquet'>, () => AsyncIterable<Buffer>> = {
    jsonl: () => text,
    array: () => jsonToJsonl(text, 'array', file.name),
    objects: () => jsonToJsonl(text, 'objects', file.name),
    csv: () => csvToJsonl(text, { delimiter, onHeader }),
    tsv: () => csvToJsonl(text, { delimiter: delimiter ?? '\t', onHeader }),
    text: () => textToJsonl(text, file.name),
  };
  return readers[form]();
}

/** Parquet has its head at its end. Its bytes are read all the same: they come from a pipe, and are its fingerprint. */
async function* afterAll(bytes: AsyncIterable<Buffer>, rows: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const all = bytes[Symbol.asyncIterator]();
  while ((await all.next()).done !== true);
  yield* rows;
}
