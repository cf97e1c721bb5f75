import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Lock, acquireLock, isLockedByLiveProcess, lockPathOf } from '../../src/journal/lock.ts';
import { type ProcessIdentity, identifyThisProcess } from '../../src/machine/process-identity.ts';
import { scratchFolder } from '../helpers/scratch-folder.ts';
import { startLockHolder } from './lock-holder.ts';

/** Elsewhere a process is known by its pid alone. */
const onLinux = test.skipIf(process.platform !== 'linux');

const outputPath = async (): Promise<string> => join(await scratchFolder(), 'out.jsonl');

async function acquire(output: string): Promise<Lock> {
  const lock = await acquireLock(output);
  onTestFinished(lock.release);
  return lock;
}

/** Leaves the lock of another process, like ours but for what is given. */
async function forge(output: string, change: Partial<ProcessIdentity>): Promise<void> {
  const note = { ...(await identifyThisProcess()), ...change, token: 'theirs', since: '2026-11-22T06:00:00.000Z' };
  await writeFile(lockPathOf(output), JSON.stringify(note));
}

async function lockFiles(output: string): Promise<string[]> {
  return (await readdir(dirname(output))).filter((name) => name.includes('.lock'));
}

/** A pid that was in use and is no more. */
async function deadPid(): Promise<number> {
  const { child, kill } = startLockHolder();
  await kill();
  return child.pid ?? 0;
}

test('a lock is a file beside the output that names its owner, and is gone when it is released', async () => {
  const output = await outputPath();
  const lock = await acquireLock(output);
  await lock.check();
  expect(JSON.parse(await readFile(lockPathOf(output), 'utf8'))).toMatchObject({ pid: process.pid });
  expect(await lockFiles(output)).toEqual(['out.jsonl.lock']);
  await lock.release();
  expect(await lockFiles(output)).toEqual([]);
});

test('a second lock on the same output is refused, also within one process', async () => {
  const output = await outputPath();
  await acquire(output);
  await expect(acquireLock(output)).rejects.toMatchObject({
    name: 'JournalError',
    exitCode: 5,
    message: expect.stringContaining(`${output} is being written by process ${process.pid}`),
  });
});

test('a live process that holds the lock is named with its pid', async () => {
  const output = await outputPath();
  const holder = startLockHolder();
  expect(await holder.acquire(output)).toBe('acquired');
  await expect(acquireLock(output)).rejects.toThrow(`is being written by process ${holder.child.pid}, since 20`);
  expect(await isLockedByLiveProcess(output)).toBe(true);
  await holder.release();
  await acquire(output);
});

test('the lock of a killed process is taken over at once', async () => {
  const output = await outputPath();
  const holder = startLockHolder();
  await holder.acquire(output);
  await holder.kill();
  expect(await isLockedByLiveProcess(output)).toBe(false);
  const start = performance.now();
  await acquire(output);
  // A few milliseconds; an owner that can't be seen would cost 4 s.
  expect(performance.now() - start).toBeLessThan(3900);
  expect(await lockFiles(output)).toEqual(['out.jsonl.lock']);
});

describe('a lock left by', () => {
  onLinux('a process whose pid another one has now is taken over', async () => {
    const output = await outputPath();
    await forge(output, { startTicks: 1 });
    await acquire(output);
  });

  test('a process before the last reboot is taken over', async () => {
    const output = await outputPath();
    await forge(output, { boot: 'an earlier boot' });
    await acquire(output);
  });

  test('another machine is refused, with how to remove it', async () => {
    const output = await outputPath();
    await forge(output, { boot: 'its boot', machine: 'its id', host: 'gpu-7', pid: 42 });
    await expect(acquireLock(output)).rejects.toMatchObject({
      message: expect.stringContaining('is locked by process 42 on the machine gpu-7'),
      hint: expect.stringContaining(`delete ${lockPathOf(output)}`),
    });
    expect(await isLockedByLiveProcess(output)).toBe(true);
  });

  test("a machine made from the same disk image, so with our machine's id, is refused", async () => {
    const output = await outputPath();
    await forge(output, { boot: 'its boot', host: 'pod-2' });
    await expect(acquireLock(output)).rejects.toThrow('on the machine pod-2');
  });
});

test('a process that crashed while it took a lock over does not keep others from it', async () => {
  const output = await outputPath();
  await forge(output, { pid: await deadPid() });
  const turn = createHash('sha256').update('theirs').digest('hex').slice(0, 16);
  await writeFile(`${lockPathOf(output)}.${turn}`, await readFile(lockPathOf(output)));
  const lock = await acquire(output);
  await lock.check();
  expect(await lockFiles(output)).toEqual(['out.jsonl.lock']);
});

describe.skipIf(process.platform !== 'linux')('a process of another container', () => {
  test('that touches its lock is refused', async () => {
    const output = await outputPath();
    await forge(output, { pidNamespace: 'pid:[1]', host: 'other', pid: 1 });
    let seconds = 0;
    const heartbeat = setInterval(() => void utimes(lockPathOf(output), ++seconds, seconds), 100);
    onTestFinished(() => clearInterval(heartbeat));
    await expect(acquireLock(output)).rejects.toThrow('is being written by process 1 of another container (other)');
  });

  test('that has been silent for 4 s is taken over', async () => {
    const output = await outputPath();
    await forge(output, { pidNamespace: 'pid:[1]' });
    const start = performance.now();
    await acquire(output);
    expect(performance.now() - start).toBeGreaterThan(3900);
  });

  test('is seen by its heartbeat, in a real namespace', async ({ skip }) => {
    const unshare = ['unshare', '--user', '--map-root-user', '--pid', '--fork', '--kill-child'];
    try {
      execFileSync('unshare', [...unshare.slice(1), 'true'], { stdio: 'ignore' });
    } catch {
      return skip('a pid namespace is not permitted');
    }
    const output = await outputPath();
    const holder = startLockHolder(unshare);
    expect(await holder.acquire(output)).toBe('acquired');
    await expect(acquireLock(output)).rejects.toThrow('of another container');
    return undefined;
  });
});

test('whoever finds its lock gone, or in the name of another, is told', async () => {
  const output = await outputPath();
  const lock = await acquire(output);
  await forge(output, { pid: 42 });
  await expect(lock.check()).rejects.toMatchObject({
    name: 'JournalError',
    message: expect.stringContaining('removed by another process'),
  });
  await lock.release();
  expect(JSON.parse(await readFile(lockPathOf(output), 'utf8'))).toMatchObject({ pid: 42 });
  await rm(lockPathOf(output));
  await expect(lock.check()).rejects.toThrow('removed by another process');
});

test('a folder that is not there is said', async () => {
  await expect(acquireLock('/no/such/folder/out.jsonl')).rejects.toMatchObject({
    name: 'JournalError',
    message: expect.stringContaining("can't lock "),
    hint: 'Choose another place with -o.',
  });
});

test('of processes that race for the lock of a dead one exactly one wins, in each of 30 rounds', async () => {
  const folder = await scratchFolder();
  const pid = await deadPid();
  const racers = [startLockHolder(), startLockHolder()];
  for (let round = 0; round < 30; round++) {
    const output = join(folder, `${round}.jsonl`);
    await forge(output, { pid });
    const answers = await Promise.all(racers.map((racer) => racer.acquire(output)));
    expect(answers.filter((answer) => answer === 'acquired')).toHaveLength(1);
    const winner = racers[answers.indexOf('acquired')];
    expect(JSON.parse(await readFile(lockPathOf(output), 'utf8'))).toMatchObject({ pid: winner?.child.pid });
    await winner?.release();
  }
});

test('of many that race within one process exactly one wins', async () => {
  const folder = await scratchFolder();
  const pid = await deadPid();
  for (let round = 0; round < 60; round++) {
    const output = join(folder, `${round}.jsonl`);
    await forge(output, { pid });
    const outcomes = await Promise.allSettled([1, 2, 3, 4].map(() => acquireLock(output)));
    const locks = outcomes.filter((outcome) => outcome.status === 'fulfilled').map(({ value }) => value);
    expect(locks).toHaveLength(1);
    await locks[0]?.check();
    await locks[0]?.release();
  }
  expect(await readdir(folder)).toEqual([]);
});

test.each(['', 'rubbish', '{"pid":', 'null', '{}', '{"token":"abc"}', 'x'.repeat(10_000)])(
  'a file that is no note of ours, as %j, is refused by its name and left as it is',
  async (text) => {
    const output = await outputPath();
    await writeFile(lockPathOf(output), text);
    await expect(acquireLock(output)).rejects.toMatchObject({
      name: 'JournalError',
      message: expect.stringContaining(lockPathOf(output)),
      hint: expect.stringContaining('-o'),
    });
    expect(await readFile(lockPathOf(output), 'utf8')).toBe(text);
    expect(await isLockedByLiveProcess(output)).toBe(false);
  },
);

test('a link or a folder in the place of the lock is refused, and not followed', async () => {
  const output = await outputPath();
  await writeFile(`${output}.victim`, JSON.stringify({ ...(await identifyThisProcess()), token: 'x', since: 'x' }));
  await symlink(`${output}.victim`, lockPathOf(output));
  await expect(acquireLock(output)).rejects.toThrow('is not a lock of llmbatch');
  const folder = await outputPath();
  await mkdir(lockPathOf(folder));
  await expect(acquireLock(folder)).rejects.toThrow('is not a lock of llmbatch');
});
