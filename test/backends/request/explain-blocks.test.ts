import { expect, test } from 'vitest';
import { explainBlocks } from '../../../src/backends/request/explain-blocks.ts';

const ways = { turnOn: 'turn it on', blockSize: 'blocks of ' };
const explain = (isOn: boolean, blockTokens: number | null, sharedTokens: number): string | null =>
  explainBlocks({ isOn, blockTokens }, sharedTokens, ways);

test('a cache that is off is turned on', () => {
  expect(explain(false, 16, 500)).toBe('The engine was started without its prefix cache: turn it on.');
});

test('blocks that are too large for what is shared are made smaller', () => {
  const text = 'The engine caches whole blocks of 128 tokens only: blocks of 32.';
  expect(explain(true, 128, 100)).toBe(text);
  expect(explain(true, 128, 200)).toBe(text);
  expect(explain(true, 128, 500)).toBe(null);
  expect(explain(true, 32, 20)).toBe(null);
  expect(explain(true, null, 100)).toBe(null);
});
