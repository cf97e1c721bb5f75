import { open, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { maxLineBytes, readLineBlocks } from '../../src/files/read-lines.ts';
import { openForTest, scratchFile, scratchFolder } from '../helpers/scratch-folder.ts';

const blockBytes = 512 * 1024;

interface Line {
  text: string;
  offset: number;
  length: number;
  terminated: boolean;
  tooLong: boolean;
}

async function linesOf(path: string, range: { start?: number; end?: number } = {}): Promise<Line[]> {
  const handle = await open(path, 'r');
  try {
    const lines: Line[] = [];
    for await (const block of readLineBlocks(handle, range)) {
      for (const { bytes, ...line } of block) lines.push({ ...line, text: bytes.toString('latin1') });
    }
    return lines;
  } finally {
    await handle.close();
  }
}

/** The same by a split of the whole text. */
function naiveLines(content: string): Line[] {
  const pieces = content.split('\n');
  let offset = 0;
  const lines = pieces.map((text, index): Line => {
    const line = { text, offset, length: text.length, terminated: index < pieces.length - 1, tooLong: false };
    offset += text.length + 1;
    return line;
  });
  return lines.filter(({ terminated, length }) => terminated || length > 0);
}

test('any text is split as a naive split would, with offsets and lengths', async () => {
  const folder = await scratchFolder();
  const path = join(folder, 'any.txt');
  const piece = fc.oneof(
    fc.string({ unit: fc.constantFrom('a', '\n', '\r\n', '\0', '\u00ff') }),
    // Lines that end just before, at and behind the end of a block.
    fc.integer({ min: -3, max: 3 }).map((near) => 'x'.repeat(blockBytes + near)),
    fc.integer({ min: -3, max: 3 }).map((near) => 'y'.repeat(blockBytes / 2 + near)),
    fc.constant('z'.repeat(3 * blockBytes)),
  );
  const run = fc.asyncProperty(fc.array(piece, { maxLength: 6 }), async (pieces) => {
    const content = pieces.join('');
    await writeFile(path, content, 'latin1');
    expect(await linesOf(path)).toEqual(naiveLines(content));
  });
  await fc.assert(run, { numRuns: 60 });
});

test.each([-2, -1, 0, 1, 2])('a line that ends %i bytes from the end of a block is whole', async (near) => {
  const first = 'a'.repeat(blockBytes + near);
  const content = `${first}\nsecond\n`;
  expect(await linesOf(await scratchFile(content))).toEqual(naiveLines(content));
});

test('an empty file has no lines, a lone line feed is one empty line', async () => {
  expect(await linesOf(await scratchFile(''))).toEqual([]);
  expect(await linesOf(await scratchFile('\n'))).toMatchObject([{ text: '', length: 0, terminated: true }]);
});

test('a carriage return is kept, and a last line without a line feed is marked', async () => {
  const lines = await linesOf(await scratchFile('one\r\ntwo'));
  expect(lines).toMatchObject([
    { text: 'one\r', terminated: true },
    { text: 'two', offset: 5, terminated: false },
  ]);
});

test('a range is read as if it were the file, with the offsets of the file', async () => {
  const path = await scratchFile('one\ntwo\nthree\n');
  expect(await linesOf(path, { start: 4, end: 8 })).toMatchObject([{ text: 'two', offset: 4, terminated: true }]);
  expect(await linesOf(path, { start: 4, end: 10 })).toMatchObject([
    { text: 'two' },
    { text: 'th', terminated: false },
  ]);
});

test('a line of 64 MiB is read, a longer one is reported and not kept', async () => {
  const path = join(await scratchFolder(), 'long.txt');
  const lastTwo = Buffer.from('\nlast\n');
  // Holes of NULs: the file takes no room on the disk.
  await writeFile(path, '');
  await truncate(path, 2 * maxLineBytes + 2);
  const handle = await openForTest(path, 'r+');
  await handle.write(Buffer.from('\n'), 0, 1, maxLineBytes);
  await handle.write(lastTwo, 0, lastTwo.length, 2 * maxLineBytes + 2);
  const found = [];
  for await (const lines of readLineBlocks(handle)) {
    for (const { bytes, ...line } of lines) found.push({ ...line, kept: bytes.length });
  }
  expect(found).toEqual([
    { offset: 0, length: maxLineBytes, terminated: true, tooLong: false, kept: maxLineBytes },
    { offset: maxLineBytes + 1, length: maxLineBytes + 1, terminated: true, tooLong: true, kept: 0 },
    { offset: 2 * maxLineBytes + 3, length: 4, terminated: true, tooLong: false, kept: 4 },
  ]);
  await rm(path);
});

test('every byte is shown once, in order', async () => {
  const content = Buffer.from(`${'line\n'.repeat(300_000)}end`);
  const handle = await openForTest(await scratchFile(content));
  const seen: Buffer[] = [];
  const onBlock = (block: Buffer): number => seen.push(Buffer.from(block));
  let lines = 0;
  for await (const block of readLineBlocks(handle, { onBlock })) lines += block.length;
  expect(lines).toBe(300_001);
  expect(Buffer.concat(seen).equals(content)).toBe(true);
});
