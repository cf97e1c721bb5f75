import { compactJson, isList, isObject, isString, stringOf } from '../data/json-text.ts';
import type { Cell } from './cells.ts';

type ParquetType = 'STRING' | 'BOOLEAN' | 'INT64' | 'DOUBLE';

/** A type of single values; `LONG` stands for whole numbers that a double would round. */
type ValueType = ParquetType | 'LONG';

/** Finds for each column the type that holds every value as it is: text where there is no other. */
export async function findTypes(columns: number, rows: AsyncIterable<readonly Cell[]>): Promise<ParquetType[]> {
  const seen = Array.from({ length: columns }, () => new Set<ValueType>());
  for await (const cells of rows) {
    for (const [at, cell] of cells.entries()) if (cell !== undefined && cell !== 'null') seen[at]!.add(typeOf(cell));
  }
  return seen.map(commonType);
}

function commonType(seen: ReadonlySet<ValueType>): ParquetType {
  if (seen.size === 0 || seen.has('STRING')) return 'STRING';
  if (seen.has('BOOLEAN')) return seen.size === 1 ? 'BOOLEAN' : 'STRING';
  if (!seen.has('DOUBLE')) return 'INT64';
  return seen.has('LONG') ? 'STRING' : 'DOUBLE';
}

const endOfInt64 = 2n ** 63n;

/** Says whether a double keeps the digits of a fraction: any 15 of them, more only as JavaScript would write them. */
function isKept(cell: string): boolean {
  const digits = cell
    .replace(/[eE].*/, '')
    .replace(/^-?[0.]*/, '')
    .replace('.', '').length;
  return Number.isFinite(Number(cell)) && (digits <= 15 || String(Number(cell)) === cell);
}

function typeOf(cell: string): ValueType {
  if (cell === 'true' || cell === 'false') return 'BOOLEAN';
  if (!/^[-\d]/.test(cell)) return 'STRING';
  if (!/^-?\d+$/.test(cell)) return isKept(cell) ? 'DOUBLE' : 'STRING';
  if (Number.isSafeInteger(Number(cell))) return 'INT64';
  return BigInt(cell) < endOfInt64 && BigInt(cell) >= -endOfInt64 ? 'LONG' : 'STRING';
}

function valueOf(cell: Cell, type: ParquetType): unknown {
  if (cell === undefined || cell === 'null') return null;
  if (type === 'BOOLEAN') return cell === 'true';
  if (type === 'INT64') return BigInt(cell);
  if (type === 'DOUBLE') return Number(cell);
  if (isString(cell)) return stringOf(cell);
  return isList(cell) || isObject(cell) ? compactJson(cell) : cell;
}

/** Rows that are in memory at once, before they are compressed and written. */
const groupRows = 10_000;

interface ParquetTable {
  names: readonly string[];
  types: readonly ParquetType[];
  rows: AsyncIterable<readonly Cell[]>;
}

/** Writes a table as Parquet, group by group of its rows. False where the reader has gone. */
export async function writeParquet(
  { names, types, rows }: ParquetTable,
  send: (bytes: Buffer) => Promise<boolean>,
): Promise<boolean> {
  const { ByteWriter, ParquetWriter, schemaFromColumnData } = await import('hyparquet-writer');
  const writer = new ByteWriter();
  const columnsOf = (group: readonly (readonly Cell[])[]) =>
    names.map((name, at) => {
      const type = types[at]!;
      return { name, type, nullable: true, data: group.map((cells) => valueOf(cells[at], type)) };
    });
  const flush = async (): Promise<boolean> => {
    const bytes = Buffer.from(writer.getBytes());
    writer.index = 0;
    return send(bytes);
  };
  const parquet = new ParquetWriter({ writer, schema: schemaFromColumnData({ columnData: columnsOf([]) }) });
  const writeGroup = async (group: readonly (readonly Cell[])[]): Promise<boolean> => {
    await parquet.write({ columnData: columnsOf(group), rowGroupSize: groupRows });
    return flush();
  };
  let group: (readonly Cell[])[] = [];
  for await (const cells of rows) {
    group.push(cells);
    if (group.length < groupRows) continue;
    if (!(await writeGroup(group))) return false;
    group = [];
  }
  if (group.length > 0) await writeGroup(group);
  await parquet.finish();
  return flush();
}
