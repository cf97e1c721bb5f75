import type { FileHandle } from 'node:fs/promises';

const blockBytes = 256 * 1024;

/** Reads a file, or a part of it, in blocks; each is a buffer of its own. */
export async function* readBlocks(
  handle: FileHandle,
  { start = 0, end = Number.POSITIVE_INFINITY }: { start?: number; end?: number } = {},
): AsyncGenerator<Buffer> {
  for (let position = start; position < end;) {
    const block = Buffer.allocUnsafe(Math.min(blockBytes, end - position));
    const { bytesRead } = await handle.read(block, 0, block.length, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield block.subarray(0, bytesRead);
  }
}
