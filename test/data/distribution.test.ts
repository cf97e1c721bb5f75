import { expect, test } from 'vitest';
import { createDistribution } from '../../src/data/distribution.ts';

test('nothing recorded is null, not zero', () => {
  expect(createDistribution().read()).toBeNull();
});

test('percentiles are within a thousandth, count, mean and maximum exact', () => {
  const times = createDistribution();
  for (let value = 1; value <= 10_000; value++) times.record(value / 2);
  const read = times.read();
  expect(read?.count).toBe(10_000);
  expect(read?.mean).toBeCloseTo(2500.25, 6);
  expect(read?.max).toBe(5000);
  expect(Math.abs((read?.p50 ?? 0) / 2500 - 1)).toBeLessThan(0.001);
  expect(Math.abs((read?.p95 ?? 0) / 4750 - 1)).toBeLessThan(0.001);
  expect(Math.abs((read?.p99 ?? 0) / 4950 - 1)).toBeLessThan(0.001);
});

test('a time of zero and one of a year are both recorded', () => {
  const times = createDistribution();
  times.record(0);
  times.record(365 * 86_400_000);
  expect(times.read()).toMatchObject({ count: 2, max: 365 * 86_400_000 });
});

test('no percentile is above the maximum', () => {
  const times = createDistribution();
  times.record(379);
  expect(times.read()).toEqual({ count: 1, mean: 379, p50: 379, p95: 379, p99: 379, max: 379 });
});
