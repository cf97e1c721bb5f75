import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { type Spool, startSpool } from '../../src/input/spool.ts';
import { scratchFolder } from '../helpers/scratch-folder.ts';

async function spoolPath(known?: string): Promise<string> {
  const path = join(await scratchFolder(), 'input.jsonl');
  if (known !== undefined) await writeFile(path, known);
  return path;
}

async function spoolOf(stream: AsyncIterable<Buffer>, path: string): Promise<Spool> {
  const spool = await startSpool(stream, path);
  onTestFinished(() => spool.handle.close());
  return spool;
}

async function* pieces(...texts: string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text);
}

async function untilEnd(spool: Spool): Promise<void> {
  while (!spool.hasEnded()) await spool.nextChange();
  await spool.nextChange();
}

test('a stream is kept as it came', async () => {
  const path = await spoolPath();
  const spool = await spoolOf(pieces('a\nb', 'c\n', '', 'd'), path);
  await untilEnd(spool);
  expect(await readFile(path, 'utf8')).toBe('a\nbc\nd');
  expect(spool.readableBytes()).toBe(6);
});

test('whole lines can be read before the stream ends', async () => {
  const stream = new PassThrough();
  const spool = await spoolOf(stream, await spoolPath());
  stream.write('one\ntw');
  await spool.nextChange();
  expect([spool.readableBytes(), spool.hasEnded()]).toEqual([4, false]);
  stream.write('o\n');
  await spool.nextChange();
  expect(spool.readableBytes()).toBe(8);
  stream.end('three');
  await untilEnd(spool);
  expect(spool.readableBytes()).toBe(13);
});

test.each([
  ['the same bytes', 'a\nb\n', ['a\n', 'b\n']],
  ['more bytes, and they are added', 'a\nb', ['a\nb\nc', '\n']],
])('over a known spool %s are taken', async (_name, known, texts) => {
  const path = await spoolPath(known);
  await untilEnd(await spoolOf(pieces(...texts), path));
  expect(await readFile(path, 'utf8')).toBe(texts.join(''));
});

test.each([
  ['other bytes', ['a\nX\n']],
  ['fewer bytes', ['a\n']],
  ['other bytes in the second piece', ['a', '\nX\nmore']],
  ['nothing', []],
])('over a known spool %s are refused, and it stays as it was', async (_name, texts) => {
  const path = await spoolPath('a\nb\n');
  const spool = await spoolOf(pieces(...texts), path);
  await expect(untilEnd(spool)).rejects.toMatchObject({
    name: 'JournalError',
    message: 'the input is not the one that this output was started with',
  });
  expect(await readFile(path, 'utf8')).toBe('a\nb\n');
});

async function* brokenPipe(): AsyncGenerator<Buffer> {
  yield Buffer.from('one\ntw');
  throw new Error('the pipe broke');
}

test('a stream that breaks off leaves only whole lines to read', async () => {
  const spool = await spoolOf(brokenPipe(), await spoolPath());
  await expect(untilEnd(spool)).rejects.toThrow('the pipe broke');
  expect(spool.readableBytes()).toBe(4);
});

test('only the owner may read what came in', async () => {
  const spool = await spoolOf(pieces('a\n'), await spoolPath());
  expect((await spool.handle.stat()).mode & 0o777).toBe(0o600);
});
