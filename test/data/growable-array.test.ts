import { expect, test } from 'vitest';
import { float64Column, uint32Column, uint8Column } from '../../src/data/growable-array.ts';

test('a column grows as far as it is written, and what was not set has the initial value', () => {
  const column = float64Column(-1);
  column.set(1_000_000, 0.5);
  column.set(3, 2 ** 40);
  expect([0, 3, 999_999, 1_000_000, 5_000_000].map(column.get)).toEqual([-1, 2 ** 40, -1, 0.5, -1]);
});

test.each([
  ['uint32', uint32Column, 2 ** 32 - 1],
  ['uint8', uint8Column, 255],
])('a %s column holds its largest number', (_name, create, largest) => {
  const column = create();
  column.set(2000, largest);
  expect([column.get(2000), column.get(1)]).toEqual([largest, 0]);
});
