import { readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import * as fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { createNotifier } from '../../src/async/notifier.ts';
import { messageOf } from '../../src/core/errors.ts';
import { type Appender, type AppenderOptions, type Written, createAppender } from '../../src/journal/append-results.ts';
import { openForTest, scratchFile } from '../helpers/scratch-folder.ts';

interface Opened {
  path: string;
  appender: Appender<number>;
  groups: Written<number>[][];
  failures: unknown[];
  /** Resolves when so many lines are durable. */
  durable: (count: number) => Promise<void>;
}

async function open(options: Partial<AppenderOptions<number>> = {}, before = ''): Promise<Opened> {
  const path = options.path ?? (await scratchFile(before));
  const handle = await openForTest(path, 'r+');
  const groups: Written<number>[][] = [];
  const failures: unknown[] = [];
  const waiting: (() => void)[] = [];
  const count = (): number => groups.reduce((sum, group) => sum + group.length, 0);
  const appender = createAppender<number>({
    path,
    handle,
    size: before.length,
    fsync: 'group',
    onFailure: (error) => failures.push(error),
    ...options,
    onDurable(written) {
      groups.push(written.map((line) => ({ ...line, bytes: Buffer.from(line.bytes) })));
      for (const check of waiting) check();
      return options.onDurable?.(written);
    },
  });
  const durable = (wanted: number): Promise<void> =>
    new Promise((resolve) => {
      const check = (): void => (count() >= wanted ? resolve() : undefined);
      waiting.push(check);
      check();
    });
  return { path, appender, groups, failures, durable };
}

const lineOf = (number: number): string => `{"line":${number}}\n`;

/** Appends without waiting. `unhindered`: so many lines, until the disk asked to wait; -1 where it never did. */
function appendAll({ appender }: Opened, count: number, from = 0): { unhindered: number; caughtUp: Promise<unknown> } {
  const waits = Array.from({ length: count }, (_, index) => appender.append(lineOf(from + index), from + index));
  const unhindered = waits.findIndex((wait) => wait !== undefined);
  const caughtUp = Promise.allSettled(waits.filter((wait) => wait !== undefined));
  return { unhindered, caughtUp };
}

const expected = (count: number): string => Array.from({ length: count }, (_, index) => lineOf(index)).join('');
const holdTimers = (): unknown => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });

afterEach(() => vi.useRealTimers());

test('64 lines are written at once, without waiting for the clock', async () => {
  holdTimers();
  const opened = await open();
  appendAll(opened, 64);
  await opened.durable(64);
  expect(opened.groups.map(({ length }) => length)).toEqual([64]);
  expect(await readFile(opened.path, 'utf8')).toBe(expected(64));
});

test('fewer lines are written when they are 250 ms old', async () => {
  holdTimers();
  const opened = await open();
  appendAll(opened, 3);
  await vi.advanceTimersByTimeAsync(249);
  expect((await stat(opened.path)).size).toBe(0);
  await vi.advanceTimersByTimeAsync(1);
  await opened.durable(3);
  expect(opened.groups).toHaveLength(1);
});

test('with fsync always a single line is written at once', async () => {
  holdTimers();
  const opened = await open({ fsync: 'always' });
  appendAll(opened, 1);
  await opened.durable(1);
  expect(await readFile(opened.path, 'utf8')).toBe(expected(1));
});

test('with fsync none lines are written in groups all the same', async () => {
  const opened = await open({ fsync: 'none' });
  appendAll(opened, 100);
  await opened.appender.flush();
  expect(await readFile(opened.path, 'utf8')).toBe(expected(100));
});

test('a flush writes what waits, and a flush of nothing ends', async () => {
  holdTimers();
  const opened = await open();
  await opened.appender.flush();
  appendAll(opened, 2);
  await Promise.all([opened.appender.flush(), opened.appender.flush()]);
  expect(opened.groups.flat().map(({ token }) => token)).toEqual([0, 1]);
});

test('each line is told with its place and its bytes, behind what the file held', async () => {
  const before = 'earlier\n';
  const opened = await open({}, before);
  await opened.appender.append('{"text":"é😀"}\n', 1);
  await opened.appender.append('x\n', 2);
  await opened.appender.flush();
  const file = await readFile(opened.path);
  const told = opened.groups.flat();
  expect(told.map(({ offset, length }) => file.subarray(offset, offset + length).toString())).toEqual([
    '{"text":"é😀"}',
    'x',
  ]);
  expect(told.map(({ bytes }) => bytes.toString())).toEqual(['{"text":"é😀"}\n', 'x\n']);
  expect(file.toString().startsWith(before)).toBe(true);
});

test('lines of any size, appended in any rhythm, come in order, each once', async () => {
  const step = fc.record({ size: fc.nat(3000), pause: fc.constantFrom('none', 'tick', 'flush') });
  const run = fc.asyncProperty(
    fc.array(step, { maxLength: 200 }),
    fc.constantFrom('group', 'none'),
    async (steps, fsync) => {
      const opened = await open({ fsync });
      for (const [index, { size, pause }] of steps.entries()) {
        await opened.appender.append(`${index}:${'é'.repeat(size)}\n`, index);
        if (pause === 'tick') await new Promise(setImmediate);
        if (pause === 'flush') await opened.appender.flush();
      }
      await opened.appender.flush();
      expect(opened.groups.flat().map(({ token }) => token)).toEqual(steps.map((_, index) => index));
      const text = await readFile(opened.path, 'utf8');
      expect(text).toBe(steps.map(({ size }, index) => `${index}:${'é'.repeat(size)}\n`).join(''));
    },
  );
  await fc.assert(run, { numRuns: 30 });
});

test('whoever appends waits only when the disk falls behind, and then until it has caught up', async () => {
  const opened = await open();
  const { unhindered, caughtUp } = appendAll(opened, 5000);
  expect(unhindered).toBeGreaterThan(1000);
  await caughtUp;
  await opened.durable(5000);
  expect(await readFile(opened.path, 'utf8')).toBe(expected(5000));
});

test('a few huge lines hold back as well', async () => {
  const opened = await open();
  const line = `${'x'.repeat(3_000_000)}\n`;
  const waits = [0, 1, 2].map((token) => opened.appender.append(line, token));
  expect(waits.map((wait) => wait === undefined)).toEqual([true, true, false]);
  await opened.appender.flush();
  expect((await stat(opened.path)).size).toBe(3 * line.length);
});

test('the next group waits until the one before has been taken', async () => {
  const taken = createNotifier();
  const opened = await open({ onDurable: taken.next });
  appendAll(opened, 64);
  await opened.durable(64);
  appendAll(opened, 64, 64);
  await new Promise(setImmediate);
  expect(await readFile(opened.path, 'utf8')).toBe(expected(64));
  taken.notify();
  await opened.durable(128);
  expect(await readFile(opened.path, 'utf8')).toBe(expected(128));
});

type Damage = (path: string) => Promise<unknown>;

test.each<[string, string, Damage]>([
  ['deleted', 'was deleted or replaced', (path) => rm(path)],
  ['moved away', 'was deleted or replaced', (path) => rename(path, `${path}.old`)],
  [
    'replaced',
    'was deleted or replaced',
    async (path) => {
      await writeFile(`${path}.new`, expected(64));
      await rename(`${path}.new`, path);
    },
  ],
  ['cut', 'was changed by another program', (path) => truncate(path, 10)],
  ['added to', 'was changed by another program', (path) => writeFile(path, 'stranger\n', { flag: 'a' })],
])('a file that is %s under the writer ends the run: nothing more is acknowledged', async (_name, message, damage) => {
  const opened = await open();
  appendAll(opened, 64);
  await opened.durable(64);
  await damage(opened.path);
  appendAll(opened, 3, 64);
  await expect(opened.appender.flush()).rejects.toMatchObject({ name: 'JournalError', exitCode: 5 });
  expect(opened.failures.map(messageOf)).toEqual([expect.stringContaining(message)]);
  expect(opened.groups.flat()).toHaveLength(64);
  await expect(opened.appender.append('late\n', 99)).rejects.toBe(opened.failures[0]);
  await expect(opened.appender.flush()).rejects.toBe(opened.failures[0]);
});

test('whoever waits for the disk is released when it fails', async () => {
  const opened = await open();
  await rm(opened.path);
  await appendAll(opened, 3000).caughtUp;
  expect(opened.failures).toHaveLength(1);
});

test.skipIf(process.platform !== 'linux')('a full disk says so', async () => {
  const opened = await open({ path: '/dev/full' });
  appendAll(opened, 2);
  await expect(opened.appender.flush()).rejects.toMatchObject({
    message: 'no space left on the disk of /dev/full',
    hint: 'Make room, then give the same command again.',
  });
});
