import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRate } from '../../src/metrics/rate.ts';

test('there is no rate in the first second, nor before anything was added', () => {
  const rate = createRate(0);
  expect(rate.perSecond(30_000)).toBeNull();
  const other = createRate(0);
  other.add(5, 10);
  expect(other.perSecond(900)).toBeNull();
  expect(other.perSecond(2000)).toBe(2.5);
});

test('a steady rate is found from the second second on, and for ever', () => {
  const rate = createRate(1000);
  for (let atMs = 1000; atMs < 301_000; atMs += 100) rate.add(1, atMs);
  expect(rate.perSecond(301_000)).toBeCloseTo(10, 0);
  expect(rate.standardError(301_000)).toBe(0);
});

test('what is older than a minute is forgotten', () => {
  const rate = createRate(0);
  rate.add(1000, 500);
  expect(rate.perSecond(59_000)).toBeGreaterThan(16);
  expect(rate.perSecond(61_000)).toBe(0);
  rate.add(6, 200_000);
  expect(rate.perSecond(200_000)).toBeCloseTo(6 / 59, 6);
});

test('a rate that comes in bursts has a standard error', () => {
  const rate = createRate(0);
  for (let second = 0; second < 60; second += 20) rate.add(200, second * 1000);
  expect(rate.standardError(59_999)).toBeGreaterThan(3);
});

test('the rate is the amount of the last minute, whatever the times', () => {
  const steps = fc.array(fc.tuple(fc.nat(20_000), fc.integer({ min: 1, max: 9 })), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(steps, (list) => {
      const rate = createRate(0);
      const added: { second: number; amount: number }[] = [];
      let atMs = 0;
      for (const [gapMs, amount] of list) {
        atMs += gapMs;
        rate.add(amount, atMs);
        added.push({ second: Math.floor(atMs / 1000), amount });
      }
      const nowSecond = Math.floor(atMs / 1000) + 1;
      const expected = added
        .filter(({ second }) => second > nowSecond - 60)
        .reduce((sum, { amount }) => sum + amount, 0);
      const spanSeconds = Math.min(nowSecond, 59);
      expect(rate.perSecond(nowSecond * 1000)).toBeCloseTo(expected / spanSeconds, 6);
    }),
  );
});
