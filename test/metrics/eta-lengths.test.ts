import { expect, test } from 'vitest';
import { createRandom } from '../../src/data/random.ts';
import { type LengthCurve, createLengths } from '../../src/metrics/eta-lengths.ts';

function curveOf(ended: readonly number[], inFlight: readonly number[] = []): LengthCurve {
  const lengths = createLengths();
  for (const length of ended) lengths.add(length);
  return lengths.read(inFlight)!;
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
