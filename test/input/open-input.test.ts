import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { defaultAnswerSettings } from '../../src/core/settings.ts';
import { type InputSource, openInput } from '../../src/input/open-input.ts';
import { type InputScan, createInputScan } from '../../src/input/scan-input.ts';
import { collect, scratchFile, scratchFolder } from '../helpers/scratch-folder.ts';
import { noDefaults } from './scan-text.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const prompt = (id: string): string => `${JSON.stringify({ id, prompt: 'x' })}\n`;
const newScan = (): InputScan => createInputScan({ defaults: noDefaults, limit: null, form: 'jsonl' });

async function source(change: Partial<InputSource>): Promise<InputSource> {
  const spoolPath = join(await scratchFolder(), 'spool.jsonl');
  const stop = new AbortController().signal;
  const stdin = Readable.from([]);
  return { path: '-', kept: null, reading: defaultAnswerSettings, stdin, spoolPath, previous: null, stop, ...change };
}

async function open(change: Partial<InputSource>): ReturnType<typeof openInput> {
  const input = await openInput(await source(change));
  onTestFinished(() => input.close().catch(() => undefined));
  return input;
}

test('a file is scanned to its end, and known by its bytes', async () => {
  const text = prompt('a') + prompt('b');
  const input = await open({ path: await scratchFile(text) });
  const scan = newScan();
  await collect(input.scanInto(scan));
  expect(scan.counts.requests).toBe(2);
  expect(input.identity()).toEqual({ bytes: text.length, sha256: sha256(text), prefixSha256: null });
});

test('a file that grew is known by the bytes that it had before', async () => {
  const before = prompt('a');
  const previous = { bytes: before.length, sha256: sha256(before) };
  const input = await open({ path: await scratchFile(before + prompt('b')), previous });
  await collect(input.scanInto(newScan()));
  expect(input.identity().prefixSha256).toBe(previous.sha256);
});

test('rows of standard input appear before it ends', async () => {
  const stdin = new PassThrough();
  stdin.write(`${prompt('a')}{"id":"b",`);
  const input = await open({ stdin });
  const scan = newScan();
  const rows = input.scanInto(scan);
  expect(await rows.next()).toEqual({ done: false, value: 1 });
  stdin.write('"prompt":"x"}\n');
  expect(await rows.next()).toEqual({ done: false, value: 2 });
  stdin.end(prompt('c').trim());
  expect(await rows.next()).toEqual({ done: false, value: 3 });
  expect(await rows.next()).toMatchObject({ done: true });
  expect(['a', 'b', 'c'].map(scan.table.find)).toEqual([0, 1, 2]);
});

async function countRequests(given: InputSource): Promise<number> {
  const input = await openInput(given);
  const scan = newScan();
  await collect(input.scanInto(scan)).finally(() => void input.close());
  return scan.counts.requests;
}

test('standard input that is given again is compared with what was kept of it', async () => {
  const first = await source({ stdin: Readable.from([Buffer.from(prompt('a'))]) });
  const again = { ...first, stdin: Readable.from([Buffer.from(prompt('a') + prompt('b'))]) };
  const other = { ...first, stdin: Readable.from([Buffer.from(prompt('X'))]) };
  expect([await countRequests(first), await countRequests(again)]).toEqual([1, 2]);
  await expect(countRequests(other)).rejects.toThrow('the input is not the one');
});

test('a CSV is known by its own bytes, and its rows are gone when it is closed', async () => {
  const csv = 'id,prompt\n1,x\n2,y\n';
  const given = await source({ path: await scratchFile(csv, 'rows.csv') });
  const input = await openInput(given);
  const scan = newScan();
  await collect(input.scanInto(scan));
  expect(scan.counts).toEqual({ lines: 2, requests: 2, rejected: 0 });
  expect(input.identity()).toMatchObject({ bytes: csv.length, sha256: sha256(csv) });
  await input.close();
  expect(await readdir(dirname(given.spoolPath))).toEqual([]);
});

test('a CSV that is no CSV is refused while it is scanned', async () => {
  const input = await open({ path: await scratchFile('id,id\n1,2\n', 'rows.csv') });
  await expect(collect(input.scanInto(newScan()))).rejects.toMatchObject({ name: 'UsageError' });
});

test('a missing file, a folder and a named pipe are refused', async () => {
  const folder = await scratchFolder();
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  await expect(open({ path: join(folder, 'none.jsonl') })).rejects.toThrow('no such file');
  await expect(open({ path: folder })).rejects.toThrow('is a folder');
  await expect(open({ path: pipe })).rejects.toMatchObject({
    message: expect.stringContaining('not a regular file'),
    hint: expect.stringContaining('llmbatch run -'),
  });
});
