import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createDoublingBins } from '../../src/data/doubling-bins.ts';

const sorted = (positions: number[]): number[] => positions.toSorted((left, right) => left - right);

test('every value is in one bin, of which there are never too many, and whose width is doubled no more than needed', () => {
  const positions = fc.array(fc.integer({ min: -1e6, max: 1e6 }), { minLength: 1, maxLength: 200 });
  const property = fc.property(positions, fc.integer({ min: 2, max: 50 }), (given, maxBins) => {
    const bins = createDoublingBins<number[]>({ minWidth: 1, maxBins, merge: (left, right) => [...left, ...right] });
    for (const position of given) bins.add(position, [position]);
    const { width, first, values } = bins.read()!;
    expect(values.length).toBeLessThanOrEqual(maxBins);
    for (const [at, inBin] of values.entries()) {
      for (const position of inBin ?? []) expect(Math.floor(position / width)).toBe(first + at);
    }
    expect(sorted(values.flatMap((inBin) => inBin ?? []))).toEqual(sorted(given));
    const half = width / 2;
    const span = Math.floor(Math.max(...given) / half) - Math.floor(Math.min(...given) / half);
    if (width > 1) expect(span).toBeGreaterThanOrEqual(maxBins);
  });
  fc.assert(property);
});

test('nothing is in no bins', () => {
  expect(createDoublingBins<number>({ minWidth: 1, maxBins: 9, merge: Math.max }).read()).toBeNull();
});
