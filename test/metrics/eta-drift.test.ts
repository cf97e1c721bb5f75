import { expect, test } from 'vitest';
import { createLengthDrift } from '../../src/metrics/eta-drift.ts';
import { createLengths } from '../../src/metrics/eta-lengths.ts';

/** Answers of 100 that were begun one a second, and those in flight since. */
function fitTo(inFlight: readonly number[], newest: readonly number[] = []) {
  const lengths = createLengths();
  const drift = createLengthDrift();
  for (const [second, length] of [...Array.from({ length: 200 }, () => 100), ...newest].entries()) {
    lengths.add(length);
    drift.add(length, second * 1000);
  }
  const begun = inFlight.map((length, index) => ({ length, hasEnded: false, startMs: 1e6 + index }));
  return drift.fit(lengths.read(inFlight)!, begun);
}

test('answers that are as long as those before keep the curve of all', () => {
  expect(fitTo([10, 40, 90])).toMatchObject({ min: 1, max: 1, curve: { mean: 100 } });
});

test('one answer that does not end makes the others no longer', () => {
  expect(fitTo([5000])).toMatchObject({ min: 1, max: 1 });
});

test('many that do not end are longer, at least by as much as they are', () => {
  const { min, max } = fitTo(Array.from({ length: 32 }, () => 300));
  expect(min).toBeGreaterThan(2.5);
  expect(max).toBeGreaterThan(5);
});

test('where enough of the newest have ended, only they count', () => {
  const { curve, min, max } = fitTo(
    [],
    Array.from({ length: 80 }, () => 500),
  );
  expect(curve.mean).toBeCloseTo(500, 6);
  expect([min, max]).toEqual([1, 1]);
});
