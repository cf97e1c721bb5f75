import { createHash } from 'node:crypto';

export interface Fingerprint {
  bytes: number;
  /** Hex. */
  sha256: string;
}

/** What the whole file is, and its first bytes. */
export interface PrefixedFingerprint extends Fingerprint {
  /** Null where the file is shorter than the prefix, or none was asked for. */
  prefixSha256: string | null;
}

export interface FingerprintBuilder {
  add: (block: Buffer) => void;
  /** Call once, at the end. */
  finish: () => PrefixedFingerprint;
}

/** A SHA-256 over a file that is read once, and of its first `prefixBytes` on the way. */
export function createFingerprint(prefixBytes: number | null = null): FingerprintBuilder {
  const hash = createHash('sha256');
  let bytes = 0;
  let prefix: string | null = null;
  return {
    add(block: Buffer): void {
      const before = prefixBytes === null ? -1 : prefixBytes - bytes;
      if (before >= 0 && before <= block.length && prefix === null) {
        hash.update(block.subarray(0, before));
        prefix = hash.copy().digest('hex');
        hash.update(block.subarray(before));
      } else {
        hash.update(block);
      }
      bytes += block.length;
    },
    finish: () => ({
      bytes,
      sha256: hash.digest('hex'),
      prefixSha256: prefix,
    }),
  };
}
