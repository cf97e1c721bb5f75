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

test.each([
  ['a byte in the middle', (text: string) => text.replace('two', 'twO')],
  ['a cut', (text: string) => text.slice(0, 40)],
])('a line that is no longer what was scanned, by %s, ends the reading, or is left out', async (_name, change) => {
  const text = '{"id":"a","prompt":"one"}\n{"id":"b","prompt":"two"}\n';
  const changed = await openForTest(await scratchFile(change(text)));
  const { scan } = await scanText(text);
  await expect(collect(readItems(changed, scan, [0, 1]))).rejects.toThrow(/^line 2 of the input has (just )?changed/);
  const lines: number[] = [];
  const { scan: heard } = await scanText(text, { onChanged: (line) => lines.push(line) });
  const items = (await collect(readItems(changed, heard, [0, 1]))).flat();
  expect([items.map(({ read }) => read.id), lines]).toEqual([['a'], [2]]);
});
