/**
 * Lines that are written together. They are encoded as they come, into one buffer that is used again and again: a
 * million strings that wait for a sync would otherwise live long enough to fill the heap.
 */
export interface WriteBuffer<Token> {
  readonly lines: { token: Token; length: number }[];
  /** Bytes of all lines together. */
  readonly length: number;
  add: (line: string, token: Token) => void;
  bytes: () => Buffer;
  clear: () => void;
}

const firstCapacity = 256 * 1024;
/** A buffer that one huge line made larger than this is not kept. */
const maxKept = 4 * 1024 * 1024;
/** A line of at least this many UTF-16 units is counted in bytes before room is made for it. */
const longLine = 64 * 1024;
/** The most UTF-8 bytes that one UTF-16 unit takes. */
const bytesPerUnit = 3;

export function createWriteBuffer<Token>(): WriteBuffer<Token> {
  let buffer = Buffer.allocUnsafe(firstCapacity);
  let end = 0;
  let lines: { token: Token; length: number }[] = [];

  const makeRoom = (wanted: number): void => {
    if (end + wanted <= buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(buffer.length * 2, end + wanted));
    buffer.copy(grown, 0, 0, end);
    buffer = grown;
  };

  return {
    get lines() {
      return lines;
    },
    get length() {
      return end;
    },
    add(line, token) {
      // Counting first costs more than a little room that is not used; a long line would take three times its length.
      makeRoom(line.length < longLine ? line.length * bytesPerUnit : Buffer.byteLength(line));
      const length = buffer.write(line, end);
      lines.push({ token, length });
      end += length;
    },
    bytes: () => buffer.subarray(0, end),
    clear() {
      lines = [];
      end = 0;
      if (buffer.length > maxKept) buffer = Buffer.allocUnsafe(firstCapacity);
    },
  };
}
