import { expect, test } from 'vitest';
import { rowStates } from '../../src/data/row-table.ts';
import { planGroups, keepRandomRows } from '../../src/input/plan-rows.ts';
import type { InputScan } from '../../src/input/scan-input.ts';
import { scanText } from './scan-text.ts';

const line = (model: string, system: string): string => `${JSON.stringify({ model, system, prompt: 'x' })}\n`;
const defaults = { model: null, system: null, template: null, parameters: {}, idField: null };
const planned = (scan: InputScan): [string | null, number[]][] =>
  planGroups(scan).map(({ model, rows }) => [model, [...rows]]);

test('rejected lines come first, then model by model, by system prompt, then as in the input', async () => {
  const text =
    line('n', 's') + line('m', 's') + 'bad\n' + line('m', 't') + line('n', 's') + line('m', 's') + line('m', 't');
  const { scan } = await scanText(text, { defaults });
  expect(planned(scan)).toEqual([
    [null, [2]],
    ['n', [0, 4]],
    ['m', [1, 5, 3, 6]],
  ]);
});

test('what has a result, or was left out, is not planned', async () => {
  const { scan } = await scanText(`bad\nworse\n${line('m', 's').repeat(4)}`, { defaults });
  scan.table.setResult(0, 0, 10);
  scan.table.setState(2, rowStates.succeeded);
  scan.table.setState(3, rowStates.failed);
  scan.table.setState(4, rowStates.left);
  expect(planned(scan)).toEqual([
    [null, [1]],
    ['m', [5]],
  ]);
});

test('a failed row that is to be tried again is planned', async () => {
  const { scan } = await scanText(line('m', 's'), { defaults });
  scan.table.setResult(0, 0, 10);
  expect(planned(scan)).toEqual([['m', [0]]]);
});

test('nothing to do is no group', async () => {
  expect(planned((await scanText('')).scan)).toEqual([]);
});

async function sampleOf(size: number, seed: number, rows = 1000): Promise<number[]> {
  const { scan } = await scanText('{"prompt":"x"}\n'.repeat(rows));
  keepRandomRows(scan.table, size, seed);
  return planned(scan).flatMap(([, planRows]) => planRows);
}

test('a sample is the same for the same seed, and another for another', async () => {
  const [first, again, other] = await Promise.all([sampleOf(50, 1), sampleOf(50, 1), sampleOf(50, 2)]);
  expect(first).toHaveLength(50);
  expect(again).toEqual(first);
  expect(other).not.toEqual(first);
});

test('a smaller sample is part of a larger one', async () => {
  const [small, large] = await Promise.all([sampleOf(20, 1), sampleOf(100, 1)]);
  expect(small.every((row) => large.includes(row))).toBe(true);
});

test('a sample keeps the order of the input and covers all of it', async () => {
  const rows = await sampleOf(200, 1);
  expect(rows).toEqual(rows.toSorted((left, right) => left - right));
  const perQuarter = [0, 1, 2, 3].map((quarter) => rows.filter((row) => Math.floor(row / 250) === quarter).length);
  expect(perQuarter.every((count) => count > 25)).toBe(true);
});

test('a sample larger than the input is all of it', async () => {
  expect(await sampleOf(5000, 1, 10)).toHaveLength(10);
});
