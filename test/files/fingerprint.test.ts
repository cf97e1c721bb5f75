import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createFingerprint } from '../../src/files/fingerprint.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const newLine = [0x0a, 0x0d];

/** What the prefix's digest must be: known only where the file goes on behind it with a new line. */
function expectedPrefix(whole: Buffer, length: number): string | null {
  const isWithin = length < whole.length;
  const endsLine = length === 0 || whole[length - 1] === 0x0a || newLine.includes(whole[length] ?? 0);
  return isWithin && endsLine ? sha256(whole.subarray(0, length)) : null;
}

test('a file in any blocks has the digest of the whole, and of its first lines', () => {
  const block = fc.array(fc.constantFrom(0x0a, 0x0d, 0x61, 0x62), { minLength: 1, maxLength: 20 });
  const run = fc.property(fc.array(block, { minLength: 1 }), fc.nat(100), (blocks, prefixBytes) => {
    const whole = Buffer.concat(blocks.map((bytes) => Buffer.from(bytes)));
    const fingerprint = createFingerprint(prefixBytes);
    for (const bytes of blocks) fingerprint.add(Buffer.from(bytes));
    expect(fingerprint.finish()).toEqual({
      bytes: whole.length,
      sha256: sha256(whole),
      prefixSha256: expectedPrefix(whole, prefixBytes),
    });
  });
  fc.assert(run, { numRuns: 1000 });
});

test('without a prefix asked for there is none', () => {
  const fingerprint = createFingerprint();
  expect(fingerprint.finish()).toEqual({ bytes: 0, sha256: sha256(Buffer.alloc(0)), prefixSha256: null });
});
