import { describe, expect, test } from 'vitest';
import { sampleRows } from '../../../src/bench/plan/sample-input.ts';

const rows = (count: number): number[] => Array.from({ length: count }, (_, row) => row);
const sample = (count: number, groupOf: (row: number) => number, size: number, offset = 0): number[] =>
  sampleRows(rows(count), groupOf, { size, offset });

/** Requests of each group. */
function sizesOf(taken: number[], groupOf: (row: number) => number): number[] {
  const sizes = new Map<number, number>();
  for (const row of taken) sizes.set(groupOf(row), (sizes.get(groupOf(row)) ?? 0) + 1);
  return [...sizes.values()];
}

describe('the rows of a sample', () => {
  test('are whole groups where groups are small, wherever their rows lie', () => {
    const interleaved = (row: number): number => row % 500;
    const taken = sample(10_000, interleaved, 1_000);
    expect(taken).toHaveLength(1_000);
    expect(sizesOf(taken, interleaved)).toEqual(Array(50).fill(20));
    expect(taken).toEqual(taken.toSorted((left, right) => left - right));
  });

  test('are stretches spread over a group that is large', () => {
    const taken = sample(10_000, () => 0, 1_000);
    const starts = taken.filter((row, at) => row !== taken[at - 1]! + 1);
    expect(taken).toHaveLength(1_000);
    expect(starts.length).toBeGreaterThanOrEqual(15);
    const tenths = taken.map((row) => Math.floor(row / 1_000));
    expect(sizesOf(tenths, (tenth) => tenth).every((count) => count >= 62)).toBe(true);
  });

  test('have the mix of small and large groups that the whole has', () => {
    // Half of the rows are alone, a quarter in groups of 25, a quarter in one group.
    const groupOf = (row: number): number => {
      if (row % 4 === 0) return -1;
      return row % 4 === 2 ? -2 - (Math.floor(row / 4) % 100) : row;
    };
    const taken = sample(10_000, groupOf, 1_000);
    const alone = taken.filter((row) => row % 2 === 1).length;
    const grouped = taken.filter((row) => row % 4 === 2).length;
    const inOne = taken.filter((row) => row % 4 === 0).length;
    expect([alone, grouped, inOne]).toEqual([500, 250, 250]);
  });

  test.each([1, 2, 7, 19, 20, 33, 999, 4_000, 9_999, 10_000])('are exactly %d, each once, at any offset', (size) => {
    for (const offset of [0, 0.5, 1]) {
      const taken = sample(10_000, (row) => Math.floor(Math.sqrt(row)), size, offset);
      expect(new Set(taken).size).toBe(size);
      expect(taken).toHaveLength(size);
    }
  });

  test('are other ones at another offset', () => {
    const first = sample(10_000, () => 0, 320);
    const other = sample(10_000, () => 0, 320, 0.5);
    expect(first.filter((row) => other.includes(row))).toEqual([]);
  });
});
