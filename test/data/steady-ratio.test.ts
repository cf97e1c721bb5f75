import { expect, test } from 'vitest';
import { createSteadyRatio } from '../../src/data/steady-ratio.ts';

function ratioOf(pairs: [counted: number, real: number][]): number {
  const ratio = createSteadyRatio();
  for (const [counted, real] of pairs) ratio.add(counted, real);
  return ratio.read();
}

const around = (factor: number, spread: number): [number, number][] =>
  Array.from({ length: 30 }, (_, index) => [100, 100 * factor * (1 + spread * Math.sin(index))]);

test('is 1 before three pairs agree', () => {
  expect(ratioOf([])).toBe(1);
  expect(
    ratioOf([
      [10, 40],
      [20, 80],
    ]),
  ).toBe(1);
  expect(
    ratioOf([
      [10, 40],
      [20, 80],
      [5, 20],
    ]),
  ).toBeCloseTo(4);
});

test('is found for several tokens in a piece, and for several pieces of a token', () => {
  expect(ratioOf(around(4, 0.2))).toBeCloseTo(4, 0);
  expect(ratioOf(around(0.5, 0.1))).toBeCloseTo(0.5, 1);
});

test('is 1 where the pairs differ much: a part of the tokens is never told', () => {
  expect(ratioOf(around(10, 0.9))).toBe(1);
  expect(
    ratioOf([
      [100, 0],
      [100, 0],
      [100, 0],
    ]),
  ).toBe(1);
});

test('is that of long answers, beside short ones that come whole', () => {
  const whole: [number, number][] = Array.from({ length: 10 }, () => [1, 20]);
  expect(ratioOf([...whole, [500, 500], ...whole])).toBeCloseTo(1, 1);
});

test('follows an engine that changes', () => {
  expect(ratioOf([...around(4, 0), ...around(2, 0), ...around(2, 0), ...around(2, 0)])).toBeCloseTo(2, 1);
});
