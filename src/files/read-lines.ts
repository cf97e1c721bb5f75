import type { FileHandle } from 'node:fs/promises';

/** One line as it lies in the file. The bytes are valid only until the next step of the iterator. */
export interface RawLine {
  /** Bytes of the line without the line feed (a carriage return before it is kept). Empty when `tooLong`. */
  bytes: Buffer;
  /** Byte position of the line in the file. */
  offset: number;
  /** Bytes of the line without the line feed. */
  length: number;
  /** Says whether the line ends with a line feed: the last one may not. */
  terminated: boolean;
  tooLong: boolean;
}

/** Lines of an input are read up to this many bytes; a longer one is reported, not kept. */
export const maxLineBytes = 64 * 1024 * 1024;

const blockBytes = 512 * 1024;
const lineFeed = 10;

/**
 * Reads a file in blocks and yields the lines of each block together: an iterator step a line would cost more than the
 * line. Memory stays at one block plus the longest line (of those up to `maxBytes` bytes). `onBlock` sees every byte
 * once, in order (for a digest).
 */
export async function* readLineBlocks(
  handle: FileHandle,
  {
    start = 0,
    end = Number.POSITIVE_INFINITY,
    maxBytes = maxLineBytes,
    onBlock,
  }: { start?: number; end?: number; maxBytes?: number; onBlock?: (block: Buffer) => void } = {},
): AsyncGenerator<RawLine[]> {
  const block = Buffer.allocUnsafe(blockBytes);
  const rest = createRemainder(maxBytes);
  let position = start;
  while (position < end) {
    const { bytesRead } = await handle.read(block, 0, Math.min(blockBytes, end - position), position);
    if (bytesRead === 0) break;
    const read = block.subarray(0, bytesRead);
    onBlock?.(read);
    const lines = splitBlock(read, position, rest);
    position += bytesRead;
    if (lines.length > 0) yield lines;
  }
  if (!rest.isEmpty()) yield [{ ...rest.finish(Buffer.alloc(0)), terminated: false }];
}

function splitBlock(block: Buffer, position: number, rest: Remainder): RawLine[] {
  const lines: RawLine[] = [];
  let from = 0;
  for (let to = block.indexOf(lineFeed); to !== -1; to = block.indexOf(lineFeed, from)) {
    const piece = block.subarray(from, to);
    lines.push(rest.isEmpty() ? wholeLine(piece, position + from) : rest.finish(piece));
    from = to + 1;
  }
  if (from < block.length) rest.add(block.subarray(from), position + from);
  return lines;
}

const wholeLine = (bytes: Buffer, offset: number): RawLine => ({
  bytes,
  offset,
  length: bytes.length,
  terminated: true,
  tooLong: false,
});

interface Remainder {
  isEmpty(): boolean;
  add(piece: Buffer, offset: number): void;
  finish(piece: Buffer): RawLine;
}

/** The part of a line that earlier blocks held. Past `maxBytes` only its length is kept. */
function createRemainder(maxBytes: number): Remainder {
  let pieces: Buffer[] = [];
  let offset = 0;
  let length = 0;
  const keep = (piece: Buffer): void => {
    length += piece.length;
    if (length <= maxBytes) pieces.push(Buffer.from(piece));
    else pieces = [];
  };
  return {
    isEmpty: () => length === 0,
    add(piece, at) {
      if (length === 0) offset = at;
      keep(piece);
    },
    finish(piece) {
      keep(piece);
      const tooLong = length > maxBytes;
      const line = { bytes: Buffer.concat(pieces), offset, length, terminated: true, tooLong };
      pieces = [];
      length = 0;
      return line;
    },
  };
}
