import { expect, test } from 'vitest';
import { createRowTable, rowStates } from '../../src/data/row-table.ts';

test('rows keep what they were added with, however many there are', () => {
  const table = createRowTable();
  for (let row = 0; row < 100_000; row++) {
    const place = { offset: row * 1e6, length: row, line: row + 1, group: row % 7, state: rowStates.open, checksum: 0 };
    table.claim(`id-${row}`, table.add(place));
  }
  expect(table.size).toBe(100_000);
  const row = 98_765;
  expect([table.offset(row), table.length(row), table.line(row), table.group(row)]).toEqual([
    row * 1e6,
    row,
    row + 1,
    2,
  ]);
  expect(table.find('id-98765')).toBe(row);
  expect(table.find('id-100000')).toBe(-1);
});

test('a row has no result until one is set, also past the first growth', () => {
  const table = createRowTable();
  for (let row = 0; row < 5000; row++) {
    table.add({ offset: 0, length: 1, line: 1, group: 0, state: rowStates.open, checksum: 0 });
  }
  table.setResult(4000, 0, 10);
  expect([table.resultOffset(3999), table.resultOffset(4000), table.resultOffset(4999)]).toEqual([-1, 0, -1]);
  expect(table.resultLength(4000)).toBe(10);
});

test('an output of more than 4 GB has its places too', () => {
  const table = createRowTable();
  table.add({ offset: 5e9, length: 1, line: 1, group: 0, state: rowStates.open, checksum: 0 });
  table.setResult(0, 12_345_678_901, 3);
  expect([table.offset(0), table.resultOffset(0)]).toEqual([5e9, 12_345_678_901]);
});

test('a state can be changed', () => {
  const table = createRowTable();
  table.add({ offset: 0, length: 1, line: 1, group: 0, state: rowStates.open, checksum: 0 });
  table.setState(0, rowStates.failed);
  expect(table.state(0)).toBe(rowStates.failed);
});
