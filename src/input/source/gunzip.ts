import { once } from 'node:events';
import { createGunzip } from 'node:zlib';
import { UsageError, codeOf } from '../../core/errors.ts';

/** Says whether the bytes begin as gzip does. */
export const isGzip = (bytes: Buffer): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/**
 * Unpacks gzip of one member or more. Every byte is read, and answered for: what ends early, is damaged, or has anything
 * but zeroes (the padding of tapes) behind its members is refused, where zlib would drop the rest in silence.
 */
export async function* gunzip(bytes: AsyncIterable<Buffer>, name: string): AsyncGenerator<Buffer> {
  const unpacker = createGunzip({ chunkSize: 256 * 1024 });
  const packed = countingZeroes(bytes);
  const feeding = feed(packed.bytes, unpacker);
  // It is awaited below; until then its failure must not count as unhandled.
  feeding.catch(() => undefined);
  try {
    for await (const piece of unpacker) yield piece as Buffer;
  } catch (error) {
    throw codeOf(error).startsWith('Z_') ? damaged(name) : error;
  }
  await feeding;
  const { total, zeroes } = packed.counts;
  if (total - unpacker.bytesWritten > zeroes) throw damaged(name);
}

const damaged = (name: string): UsageError =>
  new UsageError(
    `the gzip of ${name} is damaged, or ends too early`,
    `Nothing was read. Download or compress it again; gzip -t checks the file.`,
  );

function countingZeroes(bytes: AsyncIterable<Buffer>) {
  const counts = { total: 0, zeroes: 0 };
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const piece of bytes) {
      const last = piece.findLastIndex((byte) => byte !== 0);
      counts.total += piece.length;
      counts.zeroes = last === -1 ? counts.zeroes + piece.length : piece.length - 1 - last;
      yield piece;
    }
  }
  return { counts, bytes: counted() };
}

/** Writes all bytes; once the unpacker has come to its end, or failed, the others are only read. */
async function feed(bytes: AsyncIterable<Buffer>, unpacker: ReturnType<typeof createGunzip>): Promise<void> {
  const closed = new Promise<void>((resolve) => void unpacker.once('close', resolve));
  try {
    for await (const piece of bytes) {
      if (unpacker.destroyed || unpacker.write(piece)) continue;
      await Promise.race([once(unpacker, 'drain'), closed]);
    }
    unpacker.end();
  } catch (error) {
    unpacker.destroy(error as Error);
    throw error;
  }
}
