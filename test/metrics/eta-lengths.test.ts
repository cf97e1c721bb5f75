import { expect, test } from 'vitest';
import { createRandom } from '../../src/data/random.ts';
import { type LengthCurve, createLengths } from '../../src/metrics/eta-lengths.ts';

function curveOf(ended: readonly number[], inFlight: readonly number[] = [], limit?: number): LengthCurve {
  const lengths = createLengths();
  for (const length of ended) lengths.add(length);
  return lengths.read(inFlight, limit)!;
}

test('without an end there is no curve', () => {
  expect(createLengths().read([10, 20])).toBeNull();
});

test('of whole answers alone it is their mean and their spread', () => {
  const curve = curveOf([100, 200, 300, 400]);
  expect(curve).toMatchObject({ mean: 250, ended: 4 });
  expect(curve.deviation).toBeCloseTo(Math.sqrt(12_500), 6);
  expect([0.9, 0.6, 0.4, 0.1].map((level) => curve.draw(level))).toEqual([100, 200, 300, 400]);
});

test('an answer in flight is longer than it is now', () => {
  const curve = curveOf([100, 200, 300, 400]);
  expect([0.9, 0.1].map((level) => curve.draw(level, 250))).toEqual([300, 400]);
  expect(curve.draw(0.5, 500)).toBeGreaterThan(500);
});

test('those that end first are the short ones, and are not taken for all', () => {
  const random = createRandom(1);
  const all = Array.from({ length: 2000 }, () => 100 + 400 * random());
  const now = 350;
  const curve = curveOf(
    all.filter((length) => length <= now),
    all.filter((length) => length > now).map(() => now),
  );
  // Nothing is known of what is longer than 350, but its share.
  expect(curve.beyond).toBeCloseTo(150 / 400, 1);
  expect(curve.mean).toBeGreaterThan(270);
  expect(curve.mean).toBeLessThan(380);
});

test('begun at any time, all lengths are found', () => {
  const random = createRandom(2);
  const all = Array.from({ length: 4000 }, () => ({ length: 100 + 400 * random(), watched: 1000 * random() }));
  const curve = curveOf(
    all.filter(({ length, watched }) => length <= watched).map(({ length }) => length),
    all.filter(({ length, watched }) => length > watched).map(({ watched }) => watched),
  );
  expect(Math.abs(curve.mean - 300)).toBeLessThan(10);
  expect(curve.hazard(50)).toBe(0);
  expect(curve.hazard(300)).toBeCloseTo(Math.log(2), 1);
});

test('a limit bounds what is longer than all that ended', () => {
  const [ended, inFlight] = [[100, 150, 180], Array.from({ length: 7 }, () => 190)];
  const free = curveOf(ended, inFlight);
  const limited = curveOf(ended, inFlight, 200);
  expect(free).toMatchObject({ limit: Infinity, unknown: free.beyond });
  expect(free.mean).toBeGreaterThan(240);
  expect(limited.beyond).toBeCloseTo(0.7, 6);
  expect(limited.unknown).toBeLessThan(0.1);
  expect(limited.mean).toBeGreaterThan(0.3 * (430 / 3) + 0.7 * 190);
  expect(limited.mean).toBeLessThan(0.3 * (430 / 3) + 0.7 * 200);
  expect(limited.deviation).toBeLessThan(40);
});

test('a limit far behind the longest that ended changes nothing', () => {
  const free = curveOf([100, 150, 180], [190]);
  const limited = curveOf([100, 150, 180], [190], 1e6);
  expect(limited.mean).toBeCloseTo(free.mean, 6);
  expect(limited.deviation).toBeCloseTo(free.deviation, 6);
  expect(limited.unknown).toBe(free.unknown);
});
