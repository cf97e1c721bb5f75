import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isDeeperThan } from '../../src/data/nesting.ts';

const depthOf = (value: unknown): number =>
  typeof value === 'object' && value !== null
    ? 1 + Object.values(value).reduce((deepest: number, inner) => Math.max(deepest, depthOf(inner)), 0)
    : 0;

test('the depth of any JSON text is what a parser would find', () => {
  const value = fc.jsonValue({ maxDepth: 6, noUnicodeString: false });
  const run = fc.property(value, fc.constantFrom('', '{[', '"]', String.raw`\\"`), (inner, text) => {
    const whole = { [text]: [text, inner, text] };
    const depth = depthOf(whole);
    expect([isDeeperThan(JSON.stringify(whole), depth), isDeeperThan(JSON.stringify(whole), depth - 1)]).toEqual([
      false,
      true,
    ]);
  });
  fc.assert(run, { numRuns: 500 });
});

test('brackets in a text are none, however many', () => {
  expect(isDeeperThan(JSON.stringify({ prompt: `\\"${'[{'.repeat(1000)}` }), 2)).toBe(false);
});

// JSON.parse takes a minute for it.
test('the longest line of brackets is told at once, and so is one that never ends', { timeout: 20_000 }, () => {
  const half = 32 * 1024 * 1024;
  expect(isDeeperThan('['.repeat(half) + ']'.repeat(half), 200)).toBe(true);
  expect(isDeeperThan('{"a":'.repeat(1000) + '"', 200)).toBe(true);
});
