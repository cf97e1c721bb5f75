import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRateOverTime } from '../../../src/report/charts/rate-over-time.ts';

const start = Date.parse('2026-11-22T06:00:00.000Z');

test('a short run has a bucket a second, in any order of its results', () => {
  const fold = createRateOverTime();
  for (const second of [2, 0, 2]) fold.add(start + second * 1000);
  expect(fold.read()).toEqual({ startedAt: '2026-11-22T06:00:00.000Z', bucketSeconds: 1, rates: [1, 0, 2] });
});

test('what has no time is not counted', () => {
  const fold = createRateOverTime();
  fold.add(0);
  fold.add(Number.NaN);
  expect(fold.read()).toBeNull();
});

test('however long the run, there are at most 60 buckets and no result is lost', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(30 * 86_400_000), { minLength: 1, maxLength: 100 }), (times) => {
      const fold = createRateOverTime();
      for (const time of times) fold.add(start + time);
      const { rates = [], bucketSeconds = 0 } = fold.read() ?? {};
      expect(rates.length).toBeLessThanOrEqual(60);
      expect(rates.reduce((sum, rate) => sum + rate * bucketSeconds, 0)).toBeCloseTo(times.length, 6);
    }),
  );
});
