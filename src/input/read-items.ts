import type { FileHandle } from 'node:fs/promises';
import { type ByteRange, readRanges } from '../core/read-ranges.ts';
import type { WorkItem } from '../core/request.ts';
import type { InputScan } from './scan-input.ts';

const mostRows = 128;
const mostBytes = 1024 * 1024;

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
    if (batch.length > 0 && (batch.length >= mostRows || bytes + length > mostBytes)) {
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
  const ranges = rows.map((row): ByteRange => ({ offset: scan.table.offset(row), length: scan.table.length(row) }));
  const lines = await readRanges(handle, ranges);
  return rows.map((row, index) => ({ row, read: scan.read(row, lines[index] ?? Buffer.alloc(0)) }));
}
