import type { FileHandle } from 'node:fs/promises';

export interface ByteRange {
  offset: number;
  length: number;
}

/** Ranges that lie nearer than this are read in one go: a read costs more than the bytes between. */
const nearBytes = 16 * 1024;
const maxBytes = 4 * 1024 * 1024;

/** Reads the ranges, neighbours together; the buffers come in the order of the ranges. All of them must be there. */
export async function readRanges(handle: FileHandle, ranges: readonly ByteRange[]): Promise<Buffer[]> {
  const found = await findRanges(handle, ranges);
  return found.map((bytes, index) => {
    if (bytes === null) throw new Error(`the file ends before byte ${ranges[index]!.offset + ranges[index]!.length}`);
    return bytes;
  });
}

/** Reads ranges in the order of the file, so that neighbours are read in one go, and returns them in the order of `ranges`. */
export async function readRangesInAnyOrder(handle: FileHandle, ranges: readonly ByteRange[]): Promise<Buffer[]> {
  const byOffset = [...ranges.keys()].toSorted((left, right) => ranges[left]!.offset - ranges[right]!.offset);
  const lines = await readRanges(
    handle,
    byOffset.map((index) => ranges[index]!),
  );
  const inOrder: Buffer[] = Array.from({ length: ranges.length });
  for (const [position, index] of byOffset.entries()) inOrder[index] = lines[position]!;
  return inOrder;
}

/**
 * Reads ranges as `readRanges` does, of a file that may have been cut meanwhile: null stands for a range behind its
 * end.
 */
export async function findRanges(handle: FileHandle, ranges: readonly ByteRange[]): Promise<(Buffer | null)[]> {
  const buffers: (Buffer | null)[] = [];
  for (let from = 0; from < ranges.length;) {
    const to = endOfRun(ranges, from);
    const first = ranges[from]!;
    const last = ranges[to - 1]!;
    const bytes = await readUpTo(handle, first.offset, last.offset + last.length - first.offset);
    for (const range of ranges.slice(from, to)) {
      const start = range.offset - first.offset;
      const end = start + range.length;
      buffers.push(end <= bytes.length ? bytes.subarray(start, end) : null);
    }
    from = to;
  }
  return buffers;
}

const batchRanges = 256;
const batchBytes = 4 * 1024 * 1024;

/** Reads any number of ranges, one after the other; what is in memory at once is bounded, but for one long range. */
export async function* readEachRange(handle: FileHandle, ranges: Iterable<ByteRange>): AsyncGenerator<Buffer> {
  let batch: ByteRange[] = [];
  let bytes = 0;
  for (const range of ranges) {
    if (batch.length === batchRanges || (batch.length > 0 && bytes + range.length > batchBytes)) {
      yield* await readRanges(handle, batch);
      batch = [];
      bytes = 0;
    }
    batch.push(range);
    bytes += range.length;
  }
  yield* await readRanges(handle, batch);
}

/** Index after the last range that can be read together with `ranges[from]`. */
function endOfRun(ranges: readonly ByteRange[], from: number): number {
  const start = ranges[from]!.offset;
  let end = start + ranges[from]!.length;
  let to = from + 1;
  for (; to < ranges.length; to++) {
    const { offset, length } = ranges[to]!;
    if (offset < end || offset - end > nearBytes || offset + length - start > maxBytes) break;
    end = offset + length;
  }
  return to;
}

async function readUpTo(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let read = 0;
  while (read < length) {
    const { bytesRead } = await handle.read(bytes, read, length - read, offset + read);
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return bytes.subarray(0, read);
}
