import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { normalQuantile, studentQuantile } from '../../../src/bench/statistics/mean.ts';
import { findSteady } from '../../../src/bench/statistics/steady.ts';
import { findTrend } from '../../../src/bench/statistics/trend.ts';
import { createRandom } from '../random.ts';
import { simulateSpan } from '../simulate-trial.ts';

type Latency = (random: () => number) => (number: number, sentMs: number) => number;

const even: Latency = (random) => () => 100 * (0.5 + random());
const seeds = Array.from({ length: 200 }, (_, seed) => seed);

const steadyOf = (latency: Latency, { requests, workers, seed }: { requests: number; workers: number; seed: number }) =>
  findSteady(simulateSpan({ requests, workers, answer: latency(createRandom(seed)) }).windows);

const share = (outcomes: boolean[]): number => outcomes.filter(Boolean).length / outcomes.length;

describe('the rate of the steady part', () => {
  test.each([1, 8, 32])('of %d workers is within its range in at least 93 of 100 trials', (workers) => {
    const found = seeds.map((seed) => steadyOf(even, { requests: 1000, workers, seed }));
    const steady = found.filter(({ isSteady }) => isSteady);
    expect(steady.length).toBeGreaterThanOrEqual(0.98 * found.length);
    const truth = workers * 10;
    expect(share(steady.map(({ low, high }) => low! <= truth && truth <= high!))).toBeGreaterThanOrEqual(0.93);
    // Neither does a range of everything pass.
    expect(Math.max(...steady.map(({ rate, high }) => (high! - rate!) / rate!))).toBeLessThan(0.1);
  });

  test('covers the truth where a slow request is followed by slow ones', () => {
    const drifting: Latency = (random) => {
      let level = 0;
      return () => {
        level = 0.98 * level + 0.35 * (2 * random() - 1);
        return 100 * Math.max(0.1, 1 + 0.15 * level) * (0.5 + random());
      };
    };
    const found = seeds.map((seed) => steadyOf(drifting, { requests: 5000, workers: 8, seed }));
    const steady = found.filter(({ isSteady }) => isSteady);
    expect(steady.length).toBeGreaterThan(180);
    expect(share(steady.map(({ low, high }) => low! <= 80 && 80 <= high!))).toBeGreaterThanOrEqual(0.9);
  });

  test('leaves a fast start and a cold one out', () => {
    const burst: Latency = (random) => (number) => (number < 20 ? 7 : 77) * (0.5 + random());
    const cold: Latency = (random) => (_, sentMs) => (sentMs < 4000 ? 300 : 100) * (0.5 + random());
    const fast = steadyOf(burst, { requests: 1000, workers: 1, seed: 1 });
    expect(fast.rate).toBeGreaterThan(12.3);
    expect(fast.rate).toBeLessThan(13.7);
    const slow = steadyOf(cold, { requests: 1000, workers: 8, seed: 1 });
    expect(slow.from).toBeGreaterThan(5);
    expect(slow.rate).toBeGreaterThan(76);
    expect(slow.trend).toBeNull();
  });

  test('does not count failures, and has tokens beside it', () => {
    const answer = (number: number) => ({ latencyMs: 100, kind: number % 2 === 0 ? null : ('timeout' as const) });
    const { windows } = simulateSpan({ requests: 1000, workers: 1, answer });
    const steady = findSteady(windows);
    expect(steady.rate).toBeCloseTo(5, 1);
    expect(steady.generationRate).toBeCloseTo(200, -1);
  });

  test('lies in the windows that it names, and its range around it, of whatever trial', () => {
    const property = fc.property(
      fc.integer({ min: 0, max: 3000 }),
      fc.integer({ min: 1, max: 64 }),
      fc.double({ min: 1, max: 1e5, noNaN: true }),
      fc.double({ min: 0, max: 3, noNaN: true }),
      fc.nat(),
      (requests, workers, latencyMs, spread, seed) => {
        const random = createRandom(seed);
        const answer = (): number => latencyMs * (1 + spread * random() ** 3);
        const { windows } = simulateSpan({ requests, workers, answer });
        const { isSteady, neededRequests, rate, low, high, from, to } = findSteady(windows);
        expect(from).toBeLessThanOrEqual(to);
        expect(to).toBeLessThanOrEqual(windows.length);
        expect(rate === null).toBe(!isSteady);
        if (isSteady) {
          const rates = windows.slice(from, to).map((window) => window.requests / window.seconds);
          expect(rate).toBeLessThanOrEqual(Math.max(...rates) * 1.0001);
          expect(low).toBeLessThanOrEqual(rate!);
          expect(high).toBeGreaterThanOrEqual(rate!);
        } else if (requests > 0) expect(neededRequests).toBeGreaterThan(requests);
      },
    );
    fc.assert(property, { numRuns: 200 });
  });
});

describe('a trial too short to be steady', () => {
  test.each([
    [20, 1],
    [20, 8],
    [100, 8],
    [200, 32],
  ])('of %d requests with %d workers says how many it needs, and is steady with so many', (requests, workers) => {
    const short = steadyOf(even, { requests, workers, seed: 1 });
    expect(short).toMatchObject({ isSteady: false, rate: null });
    expect(short.neededRequests).toBeLessThan(1000);
    const longer = seeds.map((seed) => steadyOf(even, { requests: short.neededRequests!, workers, seed }));
    expect(share(longer.map(({ isSteady }) => isSteady))).toBeGreaterThan(0.7);
  });

  test('needs an unknown number where nothing was answered', () => {
    const { windows } = simulateSpan({ requests: 50, workers: 1, answer: () => ({ latencyMs: 10, kind: 'timeout' }) });
    expect(findSteady(windows)).toMatchObject({ isSteady: false, neededRequests: null, rate: null });
    expect(findSteady([])).toMatchObject({ isSteady: false, neededRequests: null, trend: null });
  });
});

describe('the trend', () => {
  test('of noise is told in at most 2 of 100 trials', () => {
    const told = seeds.map((seed) => steadyOf(even, { requests: 1000, workers: 8, seed }).trend !== null);
    expect(share(told)).toBeLessThanOrEqual(0.02);
  });

  test('of a cold start is none, however slow it was', () => {
    const cold: Latency = (random) => (_, sentMs) => (sentMs < 2000 ? 300 : 100) * (0.5 + random());
    const told = seeds.map((seed) => steadyOf(cold, { requests: 1000, workers: 32, seed }).trend !== null);
    expect(share(told)).toBeLessThanOrEqual(0.02);
  });

  test.each([0.2, 0.5])('of a rate that falls by a share of %d is found, and nothing is quoted', (fall) => {
    const falling: Latency = (random) => (number) => (100 * (0.5 + random())) / (1 - (fall * number) / 5000);
    const found = seeds.slice(0, 50).map((seed) => steadyOf(falling, { requests: 5000, workers: 8, seed }));
    expect(share(found.map(({ isSteady }) => isSteady))).toBeLessThanOrEqual(0.04);
    for (const { trend } of found) expect(Math.abs(trend! + fall)).toBeLessThan(0.06);
  });

  test('is not moved by an outlier, and not found in one', () => {
    const values = Array.from({ length: 10 }, (_, at) => 100 + at);
    expect(findTrend(values)).toMatchObject({ isClear: true });
    expect(findTrend(values)?.change).toBeCloseTo(10 / 99.5, 6);
    expect(findTrend(values.with(4, 1000))?.change).toBeCloseTo(10 / 99.5, 2);
    expect(findTrend([100, 100, 100, 100, 1, 100, 100, 100, 100, 100])).toEqual({ change: 0, isClear: false });
  });
});

test('the quantiles are those of the tables', () => {
  expect(normalQuantile(0.975)).toBeCloseTo(1.96, 3);
  expect(normalQuantile(0.005)).toBeCloseTo(-2.5758, 2);
  expect(studentQuantile(0.975, 4)).toBeCloseTo(2.776, 1);
  expect(studentQuantile(0.975, 9)).toBeCloseTo(2.262, 2);
});
