import type { FileHandle } from 'node:fs/promises';
import { type ByteRange, readRangesInAnyOrder } from '../files/read-ranges.ts';
import type { RowTable } from '../data/row-table.ts';
import { replaceFile } from '../files/replace-file.ts';

const batchRows = 1024;
const batchBytes = 4 * 1024 * 1024;
const lineFeed = Buffer.from('\n');

/**
 * Brings the output into the order of the input, one line a request, by an atomic replace: at any moment the file is
 * either the old one or the new one, whole. Does nothing where the file is in that order already. Throws a `JournalError`.
 */
export async function finaliseOutput(
  { handle, path, size }: { handle: FileHandle; path: string; size: number },
  table: RowTable,
  unknown: readonly ByteRange[],
): Promise<void> {
  const ranges = (): Iterable<ByteRange> => resultsInOrder(table, unknown);
  if (isInOrder(ranges(), size)) return;
  await replaceFile(path, await handle.stat(), (draft) => copyLines(handle, draft, ranges()));
}

function* resultsInOrder(table: RowTable, unknown: readonly ByteRange[]): Generator<ByteRange> {
  for (let row = 0; row < table.size; row++) {
    const offset = table.resultOffset(row);
    if (offset >= 0) yield { offset, length: table.resultLength(row) };
  }
  yield* unknown;
}

function isInOrder(ranges: Iterable<ByteRange>, size: number): boolean {
  let end = 0;
  for (const { offset, length } of ranges) {
    if (offset !== end) return false;
    end += length + 1;
  }
  return end === size;
}

async function copyLines(source: FileHandle, target: FileHandle, ranges: Iterable<ByteRange>): Promise<void> {
  let batch: ByteRange[] = [];
  let bytes = 0;
  const writeBatch = async (): Promise<void> => {
    const lines = await readRangesInAnyOrder(source, batch);
    await target.appendFile(Buffer.concat(lines.flatMap((line) => [line, lineFeed])));
    batch = [];
    bytes = 0;
  };
  for (const range of ranges) {
    batch.push(range);
    bytes += range.length;
    if (batch.length >= batchRows || bytes >= batchBytes) await writeBatch();
  }
  if (batch.length > 0) await writeBatch();
}
