import { createHash } from 'node:crypto';

export interface Fingerprint {
  bytes: number;
  /** SHA-256 of the file, in hex. */
  sha256: string;
}

/** Fingerprint of a whole file and of its first bytes. */
export interface PrefixedFingerprint extends Fingerprint {
  /** SHA-256 of the first bytes in hex, where the file goes on behind them with a new line; else null. */
  prefixSha256: string | null;
}

export interface FingerprintBuilder {
  add: (block: Buffer) => void;
  /** Returns the fingerprint; to be called once, after the last byte. */
  finish: () => PrefixedFingerprint;
}

/** A SHA-256 over a file that is read once, and of its first `prefixBytes` on the way. */
export function createFingerprint(prefixBytes: number | null = null): FingerprintBuilder {
  const hash = createHash('sha256');
  let bytes = 0;
  let prefixSha256: string | null = null;
  let lastByte = lineFeed;

  const addUntilPrefix = (block: Buffer, length: number): void => {
    hash.update(block.subarray(0, length));
    const before = length > 0 ? block[length - 1] : lastByte;
    if (before === lineFeed || endOfLine.has(block[length] ?? 0)) prefixSha256 = hash.copy().digest('hex');
  };

  return {
    add(block) {
      const isBoundaryHere = prefixBytes !== null && bytes <= prefixBytes && prefixBytes < bytes + block.length;
      const start = isBoundaryHere ? prefixBytes - bytes : 0;
      if (isBoundaryHere) addUntilPrefix(block, start);
      hash.update(block.subarray(start));
      bytes += block.length;
      lastByte = block.at(-1) ?? lastByte;
    },
    finish: () => ({ bytes, sha256: hash.digest('hex'), prefixSha256 }),
  };
}

const lineFeed = 0x0a;
const endOfLine = new Set([lineFeed, 0x0d]);
