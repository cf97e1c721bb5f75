import { expect, test } from 'vitest';
import { createLineLengths } from '../../src/metrics/eta-lines.ts';

/** Half of the lines are done, of the first length; the others are of the second. A prompt has tokens that are in no line. */
function half(done: (index: number) => number, restBytes: number, hidden = 0): number {
  const prompts = createLineLengths();
  const bytes = Array.from({ length: 100 }, (_, index) => done(index));
  prompts.start(bytes.reduce((sum, length) => sum + length, 0) + 100 * restBytes);
  for (const length of bytes) prompts.add(length, hidden + length / 4);
  return prompts.factor(100);
}

test('a rest that is like the beginning has prompts as long', () => {
  expect(half((index) => 200 + (index % 10), 204.5)).toBeCloseTo(1, 6);
});

test('longer lines to come make longer prompts', () => {
  expect(half((index) => 200 + (index % 10), 2045)).toBeCloseTo(10, 6);
  expect(half(() => 200, 2000)).toBeCloseTo(10, 6);
});

test('what stands in no line is as long as before', () => {
  // 500 tokens of a system prompt, and 50 of the line, which becomes ten times as long.
  expect(half((index) => 200 + (index % 10), 2045, 500)).toBeCloseTo((500 + 511.25) / (500 + 51.125), 6);
});

test('nothing is said of a rest that nobody knows, and before there are lines', () => {
  const unknown = createLineLengths();
  for (let line = 0; line < 100; line++) unknown.add(200, 50);
  expect(unknown.factor(100)).toBe(1);
  const few = createLineLengths();
  few.start(100_000);
  for (let line = 0; line < 10; line++) few.add(200, 50);
  expect(few.factor(50)).toBe(1);
  const uncounted = createLineLengths();
  uncounted.start(100_000);
  for (let line = 0; line < 100; line++) uncounted.add(200, null);
  expect(uncounted.factor(50)).toBe(1);
});
