import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createFingerprint } from '../../src/core/fingerprint.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

test('a file in any blocks has the digest of the whole, and of its first bytes', () => {
  const block = fc.uint8Array({ minLength: 1, maxLength: 40 });
  const run = fc.property(fc.array(block, { minLength: 1 }), fc.nat(200), (blocks, prefixBytes) => {
    const whole = Buffer.concat(blocks);
    const fingerprint = createFingerprint(prefixBytes);
    for (const bytes of blocks) fingerprint.add(Buffer.from(bytes));
    expect(fingerprint.finish()).toEqual({
      bytes: whole.length,
      sha256: sha256(whole),
      prefixSha256: prefixBytes > whole.length ? null : sha256(whole.subarray(0, prefixBytes)),
    });
  });
  fc.assert(run, { numRuns: 300 });
});

test('without a prefix asked for there is none', () => {
  const fingerprint = createFingerprint();
  expect(fingerprint.finish()).toEqual({ bytes: 0, sha256: sha256(Buffer.alloc(0)), prefixSha256: null });
});
