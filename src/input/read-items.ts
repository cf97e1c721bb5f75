import type { FileHandle } from 'node:fs/promises';
import { type ByteRange, findRanges } from '../files/read-ranges.ts';
import { type WorkItem, isRejected } from '../core/request.ts';
import type { InputScan } from './scan-input.ts';

const maxRows = 128;
const maxBytes = 1024 * 1024;

/** Reads the rows' lines again, in the given order, a batch at a time; a batch is bounded in rows and in bytes. */
export async function* readItems(
  handle: FileHandle,
  scan: InputScan,
  rows: Iterable<number>,
): AsyncGenerator<WorkItem[]> {
  let batch: number[] = [];
  let bytes = 0;
  for (const row of rows) {
    const length = scan.table.length(row);
    if (batch.length > 0 && (batch.length >= maxRows || bytes + length > maxBytes)) {
      yield await readBatch(handle, scan, batch);
      batch = [];
      bytes = 0;
    }
    batch.push(row);
    bytes += length;
  }
  if (batch.length > 0) yield await readBatch(handle, scan, batch);
}

async function readBatch(handle: FileHandle, scan: InputScan, rows: readonly number[]): Promise<WorkItem[]> {
  const lines = await readRows(handle, scan, rows);
  return lines.map(({ row, bytes }) => {
    const read = scan.read(row, bytes);
    if (!isRejected(read)) read.bytes = bytes.length;
    return { row, read };
  });
}

/** Reads the lines of these rows. A line that is no longer what was scanned is left out, and the scan is told. */
export async function readRows(
  handle: FileHandle,
  scan: InputScan,
  rows: readonly number[],
): Promise<{ row: number; bytes: Buffer }[]> {
  const ranges = rows.map((row): ByteRange => ({ offset: scan.table.offset(row), length: scan.table.length(row) }));
  const found = await findRanges(handle, ranges);
  return rows.flatMap((row, index) => {
    const bytes = found[index] ?? null;
    if (scan.isUnchanged(row, bytes)) return { row, bytes };
    scan.onChanged(row);
    return [];
  });
}
