/** The first bytes of a stream, and the whole of it, from its first byte on. */
export interface Peeked<Judgement> {
  found: Judgement;
  bytes: AsyncGenerator<Buffer>;
}

/** A judgement is made of so many bytes at most. */
const headBytes = 256 * 1024;
const lineFeed = 0x0a;

/**
 * Reads as much of a stream as `judge` needs: it is asked at each line end, at the end of the stream, and when the head is
 * full, and returns null as long as it wants more. It may not do so when `isAll` says that there is no more.
 */
export async function peek<Judgement>(
  stream: AsyncIterable<Buffer>,
  judge: (head: Buffer, isAll: { isWhole: boolean; isFull: boolean }) => Judgement | null,
): Promise<Peeked<Judgement>> {
  const iterator = stream[Symbol.asyncIterator]();
  const pieces: Buffer[] = [];
  let length = 0;
  let found: Judgement | null = null;
  while (found === null) {
    const { value, done = false } = await iterator.next();
    if (!done) pieces.push(value as Buffer);
    if (!done) length += (value as Buffer).length;
    const isFull = length >= headBytes;
    const isDue = done || isFull || (value as Buffer).includes(lineFeed);
    if (isDue) found = judge(Buffer.concat(pieces), { isWhole: done, isFull });
    if (done) break;
  }
  if (found === null) throw new Error('the head of a stream was not judged');
  return { found, bytes: replay(pieces, iterator) };
}

async function* replay(pieces: readonly Buffer[], iterator: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield* pieces;
  yield* { [Symbol.asyncIterator]: () => iterator };
}
