import type { FileHandle } from 'node:fs/promises';
import type { ParquetParsers, SchemaElement } from 'hyparquet';
import { UsageError, messageOf } from '../../core/errors.ts';
import { printable } from '../../text/printable.ts';

/**
 * Turns the rows of a Parquet file into JSONL: row n is line n. Whole numbers and decimals keep their digits, times are
 * ISO texts, lists and structs are JSON. It is read by row groups: memory is bounded by the largest. Throws a `UsageError`
 * where the file is broken, or not read to its last row.
 */
export async function* parquetToJsonl(handle: FileHandle, name: string): AsyncGenerator<Buffer> {
  try {
    yield* readRows(handle);
  } catch (error) {
    throw new UsageError(
      `${name} is a broken Parquet file, or one of a kind that can't be read: ${printable(messageOf(error))}`,
      'Nothing of it was taken. Write it anew, or as JSONL.',
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
  const columns = parquetSchema(metadata).children.map(({ element }) => element);
  const scales = takeDecimals(columns);
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
    yield* toBlocks(columns.map(({ name }, at) => ({ name, values: values[at]!, scale: scales[at]! })));
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

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** JSON that a column holds as text: it is written as it stands, its digits too. */
class JsonText {
  readonly text: string;
  constructor(text: string) {
    JSON.parse(text);
    this.text = text;
  }
}

const parsers: Partial<ParquetParsers> = {
  timestampFromMilliseconds: (value) => isoTime(value, 3),
  timestampFromMicroseconds: (value) => isoTime(value, 6),
  timestampFromNanoseconds: (value) => isoTime(value, 9),
  dateFromDays: (days) => new Date(days * 86_400_000).toISOString().replace(/T.*/, ''),
  stringFromBytes: (bytes) => decoder.decode(bytes),
  jsonFromBytes: (bytes) => new JsonText(decoder.decode(bytes)),
};

/** A time since 1970 in units of 10^-digits seconds; its fraction is as long as it needs to be. */
function isoTime(value: bigint | number, digits: number): string {
  const unit = 10n ** BigInt(digits);
  const fraction = ((BigInt(value) % unit) + unit) % unit;
  const seconds = Number((BigInt(value) - fraction) / unit);
  const decimals = `.${String(fraction).padStart(digits, '0')}`.replace(/\.?0+$/, '');
  return new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, `${decimals}Z`);
}

/** The library makes rounded numbers of decimals: their columns are read as the whole numbers that they are kept as. */
function takeDecimals(columns: readonly SchemaElement[]): (number | null)[] {
  return columns.map((element) => {
    if (element.converted_type !== 'DECIMAL') return null;
    delete element.converted_type;
    delete element.logical_type;
    return element.scale ?? 0;
  });
}

interface ParquetColumn {
  name: string;
  values: ArrayLike<unknown>;
  /** Digits behind the point; null where the column holds no decimals. */
  scale: number | null;
}

const rowsAtOnce = 1000;

function* toBlocks(columns: readonly ParquetColumn[]): Generator<Buffer> {
  const keys = columns.map(({ name }) => JSON.stringify(name));
  if (new Set(keys).size < keys.length) throw new Error('it names a column twice');
  const rows = columns[0]?.values.length ?? 0;
  for (let from = 0; from < rows; from += rowsAtOnce) {
    let block = '';
    for (let row = from; row < Math.min(from + rowsAtOnce, rows); row++) {
      const cells = columns.map(({ values, scale }, at) => `${keys[at]}:${cellOf(values[row], scale)}`);
      block += `{${cells.join(',')}}\n`;
    }
    yield Buffer.from(block);
  }
}

const cellOf = (value: unknown, scale: number | null): string =>
  scale === null || value === null || value === undefined ? toJson(value) : decimalText(value, scale);

function decimalText(value: unknown, scale: number): string {
  const whole = value instanceof Uint8Array ? signedOf(value) : BigInt(value as number | bigint);
  const digits = String(whole < 0n ? -whole : whole).padStart(scale + 1, '0');
  const point = digits.length - scale;
  const sign = whole < 0n ? '-' : '';
  return `${sign}${digits.slice(0, point)}${scale > 0 ? `.${digits.slice(point)}` : ''}`;
}

/** A whole number in two's complement, its highest byte first. */
function signedOf(bytes: Uint8Array): bigint {
  const hex = Buffer.from(bytes).toString('hex');
  return hex === '' ? 0n : BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex}`));
}

function toJson(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object') return JSON.stringify(value);
  if (value instanceof JsonText) return value.text;
  if (value instanceof Uint8Array) return JSON.stringify(textOrBase64(value));
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return `[${Array.from(value as unknown[], toJson).join(',')}]`;
  return `{${Object.entries(value)
    .map(([key, inner]) => `${JSON.stringify(key)}:${toJson(inner)}`)
    .join(',')}}`;
}

/** Bytes of no declared type: old programs write texts so. */
function textOrBase64(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    return Buffer.from(bytes).toString('base64');
  }
}
