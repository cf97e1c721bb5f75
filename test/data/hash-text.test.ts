import { expect, test, vi } from 'vitest';
import { hash, hashText } from '../../src/data/hash-text.ts';

test('the hash of a text is the same again in one process, and another in every other one', async () => {
  hashText('bob@example.com');
  const first = { ...hash };
  hashText('carol');
  expect(hash).not.toEqual(first);
  hashText('bob@example.com');
  expect(hash).toEqual(first);
  vi.resetModules();
  const other = await import('../../src/data/hash-text.ts');
  other.hashText('bob@example.com');
  expect(other.hash).not.toEqual(first);
});

test('each bit of a text turns about half of the bits of its hash', () => {
  let turned = 0;
  const texts = Array.from({ length: 200 }, (_, index) => `candidate-${index}`);
  for (const text of texts) {
    hashText(text);
    const { low, high } = hash;
    const at = text.length - 1;
    hashText(text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1));
    turned += countBits(low ^ hash.low) + countBits(high ^ hash.high);
  }
  expect(turned / texts.length / 64).toBeCloseTo(0.5, 1);
});

function countBits(value: number): number {
  let count = 0;
  for (let rest = value >>> 0; rest !== 0; rest >>>= 1) count += rest & 1;
  return count;
}
