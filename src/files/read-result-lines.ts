import type { FileHandle } from 'node:fs/promises';
import { maxResultBytes } from '../core/result-line.ts';
import { type RawLine, readLineBlocks } from './read-lines.ts';

const byteOrderMark = Buffer.from('\ufeff');

/** Reads the lines of an output, block by block, without the byte order mark that an editor may have put before the first. */
export async function* readResultLines(handle: FileHandle, end?: number): AsyncGenerator<RawLine[]> {
  const { buffer } = await handle.read(Buffer.alloc(byteOrderMark.length), 0, byteOrderMark.length, 0);
  const start = buffer.equals(byteOrderMark) ? byteOrderMark.length : 0;
  yield* readLineBlocks(handle, { start, ...(end === undefined ? {} : { end }), maxBytes: maxResultBytes });
}
