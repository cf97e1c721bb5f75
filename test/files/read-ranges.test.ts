import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { findRanges, readEachRange, readRanges } from '../../src/files/read-ranges.ts';
import { collect, openForTest, scratchFile } from '../helpers/scratch-folder.ts';

test('any ranges come as they lie in the file, in the order asked for', async () => {
  const content = randomBytes(200_000);
  const handle = await openForTest(await scratchFile(content));
  const range = fc.record({ offset: fc.nat(150_000), length: fc.nat(50_000) });
  const run = fc.asyncProperty(fc.array(range, { maxLength: 30 }), async (ranges) => {
    const buffers = await readRanges(handle, ranges);
    expect(buffers.map(String)).toEqual(
      ranges.map(({ offset, length }) => String(content.subarray(offset, offset + length))),
    );
  });
  await fc.assert(run, { numRuns: 100 });
});

test('neighbours of more than 4 MB together are read too', async () => {
  const content = randomBytes(10_000_000);
  const handle = await openForTest(await scratchFile(content));
  const ranges = Array.from({ length: 10 }, (_, index) => ({ offset: index * 1_000_000, length: 999_999 }));
  const buffers = await readRanges(handle, ranges);
  expect(buffers.every((bytes, index) => bytes.equals(content.subarray(index * 1e6, index * 1e6 + 999_999)))).toBe(
    true,
  );
});

test('a file that became shorter is an error, not a short answer', async () => {
  const handle = await openForTest(await scratchFile('short'));
  await expect(readRanges(handle, [{ offset: 2, length: 10 }])).rejects.toThrow('ends before byte 12');
});

test('of a file that became shorter, what is still there can be read', async () => {
  const handle = await openForTest(await scratchFile('0123456789'));
  const ranges = [
    { offset: 2, length: 3 },
    { offset: 8, length: 2 },
    { offset: 8, length: 3 },
    { offset: 100_000, length: 1 },
  ];
  expect((await findRanges(handle, ranges)).map((bytes) => bytes?.toString() ?? null)).toEqual([
    '234',
    '89',
    null,
    null,
  ]);
});

test('any number of ranges is read one after the other, in the order asked for', async () => {
  const content = randomBytes(3_000_000);
  const handle = await openForTest(await scratchFile(content));
  const ranges = Array.from({ length: 1000 }, (_, index) => ({
    offset: (index * 7919) % 2_900_000,
    length: 100 * (index % 500),
  }));
  const read = await collect(readEachRange(handle, ranges));
  expect(read.length).toBe(1000);
  expect(
    read.every((bytes, index) =>
      bytes.equals(content.subarray(ranges[index]!.offset, ranges[index]!.offset + ranges[index]!.length)),
    ),
  ).toBe(true);
  expect(await collect(readEachRange(handle, []))).toEqual([]);
});
