import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { readRanges } from '../../src/core/read-ranges.ts';
import { openForTest, scratchFile } from '../helpers/scratch-folder.ts';

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
  await expect(readRanges(handle, [{ offset: 2, length: 10 }])).rejects.toThrow('ends at byte 5, 7 bytes too early');
});
