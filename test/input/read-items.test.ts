import { expect, test } from 'vitest';
import { readItems } from '../../src/input/read-items.ts';
import { collect, openForTest, scratchFile } from '../helpers/scratch-folder.ts';
import { scanText } from './scan-text.ts';

test('rows come in the order asked for, in batches bounded in rows and in bytes', async () => {
  const long = JSON.stringify({ id: 'long', prompt: 'x'.repeat(900_000) });
  const short = Array.from({ length: 300 }, (_, index) => JSON.stringify({ id: `s${index}`, prompt: 'x' }));
  const text = [...short, long, long.replace('long', 'long2')].join('\n');
  const { scan } = await scanText(text);
  const handle = await openForTest(await scratchFile(text));
  const order = [301, 300, ...Array.from({ length: 300 }, (_, index) => 299 - index)];
  const batches = await collect(readItems(handle, scan, order));
  expect(batches.flat().map(({ row }) => row)).toEqual(order);
  expect(batches.flat().map(({ read }) => read.id)).toEqual([
    'long2',
    'long',
    ...short.map((_, index) => `s${299 - index}`),
  ]);
  expect(batches.map(({ length }) => length)).toEqual([1, 128, 128, 45]);
});

test('no rows are no batches', async () => {
  const { scan } = await scanText('{"prompt":"x"}');
  const handle = await openForTest(await scratchFile(''));
  expect(await collect(readItems(handle, scan, []))).toEqual([]);
});
