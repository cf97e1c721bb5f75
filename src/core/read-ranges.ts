import type { FileHandle } from 'node:fs/promises';

export interface ByteRange {
  offset: number;
  length: number;
}

/** Ranges that lie nearer than this are read in one go: a read costs more than the bytes between. */
const nearBytes = 16 * 1024;
const mostBytes = 4 * 1024 * 1024;

/** Reads the ranges, neighbours together; the buffers come in the order of the ranges. */
export async function readRanges(handle: FileHandle, ranges: readonly ByteRange[]): Promise<Buffer[]> {
  const buffers: Buffer[] = [];
  for (let from = 0; from < ranges.length;) {
    const to = endOfRun(ranges, from);
    const first = ranges[from]!;
    const last = ranges[to - 1]!;
    const bytes = await readFully(handle, first.offset, last.offset + last.length - first.offset);
    for (const range of ranges.slice(from, to)) {
      const start = range.offset - first.offset;
      buffers.push(bytes.subarray(start, start + range.length));
    }
    from = to;
  }
  return buffers;
}

/** Index after the last range that can be read together with `ranges[from]`. */
function endOfRun(ranges: readonly ByteRange[], from: number): number {
  const start = ranges[from]!.offset;
  let end = start + ranges[from]!.length;
  let to = from + 1;
  for (; to < ranges.length; to++) {
    const { offset, length } = ranges[to]!;
    if (offset < end || offset - end > nearBytes || offset + length - start > mostBytes) break;
    end = offset + length;
  }
  return to;
}

async function readFully(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let read = 0;
  while (read < length) {
    const { bytesRead } = await handle.read(bytes, read, length - read, offset + read);
    if (bytesRead === 0) throw new Error(`the file ends at byte ${offset + read}, ${length - read} bytes too early`);
    read += bytesRead;
  }
  return bytes;
}
