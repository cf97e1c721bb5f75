import { expect, test } from 'vitest';
import { createLineLengths } from '../../src/metrics/eta-lines.ts';

/** Half of the lines are done, of the first length; the others are of the second. A prompt has tokens that are in no line. */
function half(done: (index: number) => number, restBytes: number, hidden = 0): number {
  const prompts = createLineLengths();
  const bytes = Array.from({ length: 100 }, (_, index) => done(index));
  prompts.start(bytes.reduce((sum, length) => sum + length, 0) + 100 * restBytes);
  for (const length of bytes) prompts.add(length, hidden + length / 4, null);
  return prompts.prompts(100);
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
  for (let line = 0; line < 100; line++) unknown.add(200, 50, null);
  expect(unknown.prompts(100)).toBe(1);
  const few = createLineLengths();
  few.start(100_000);
  for (let line = 0; line < 10; line++) few.add(200, 50, null);
  expect(few.prompts(50)).toBe(1);
  const uncounted = createLineLengths();
  uncounted.start(100_000);
  for (let line = 0; line < 100; line++) uncounted.add(200, null, null);
  expect(uncounted.prompts(50)).toBe(1);
});

/** Half of 200 lines are done. Those of the first kind have answers of 100 tokens, the others of 20, and other bytes. */
function answersOf(isLong: (index: number) => boolean, inFlight: readonly number[] = []): number {
  const lines = createLineLengths();
  const bytesOf = (index: number) => (isLong(index) ? 300 : 200) + (index % 7);
  lines.start(Array.from({ length: 200 }, (_, index) => bytesOf(index)).reduce((sum, bytes) => sum + bytes, 0));
  for (let index = 0; index < 100; index++) lines.add(bytesOf(index), null, (isLong(index) ? 100 : 20) + (index % 11));
  return lines.answers(100, inFlight);
}

test('lines that are as before have answers as long', () => {
  expect(answersOf((index) => index % 2 === 0)).toBeCloseTo(1, 1);
});

test('where the length of a line goes with that of its answer, the lines to come tell of theirs', () => {
  // 70 % of those that are done are long, of the others 30 %: 81 tokens and 49.
  const more = answersOf((index) => (index < 100 ? index % 10 < 7 : index % 10 < 3));
  expect(more).toBeGreaterThan(0.55);
  expect(more).toBeLessThan(0.65);
  // What is in flight is known, and is no part of what waits.
  expect(answersOf((index) => (index < 100 ? index % 10 < 7 : index % 10 < 3), [300, 300, 300])).toBeLessThan(more);
});

test('answers that have nothing to do with their lines are as long as before', () => {
  const lines = createLineLengths();
  lines.start(100_000);
  for (let index = 0; index < 100; index++) lines.add(200 + (index % 10), null, index % 2 === 0 ? 20 : 200);
  expect(lines.answers(100, [])).toBe(1);
});
