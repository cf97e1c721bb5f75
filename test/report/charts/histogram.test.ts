import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLinearHistogram, createLogHistogram } from '../../../src/report/charts/histogram.ts';

test('counts of whole numbers stand in bins of one, and in wider ones where there are many', () => {
  const few = createLinearHistogram();
  for (const value of [20, 22, 22, null]) few.add(value);
  expect(few.read()).toEqual([
    { from: 20, to: 21, count: 1 },
    { from: 21, to: 22, count: 0 },
    { from: 22, to: 23, count: 2 },
  ]);
  const many = createLinearHistogram();
  for (let value = 0; value < 1000; value++) many.add(value);
  expect(many.read()).toHaveLength(32);
  expect(many.read()[0]).toEqual({ from: 0, to: 32, count: 32 });
});

test('each value is counted once, in a bin that holds it', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 1e6 }), { minLength: 1 }), (values) => {
      for (const create of [createLinearHistogram, createLogHistogram]) {
        const histogram = create();
        for (const value of values) histogram.add(value);
        const bins = histogram.read();
        expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(values.length);
        const within = ({ from, to, count }: (typeof bins)[number]): boolean =>
          values.filter((value) => value >= from * (1 - 1e-9) && value < to * (1 + 1e-9)).length >= count;
        expect(bins.every(within)).toBe(true);
      }
    }),
  );
});
