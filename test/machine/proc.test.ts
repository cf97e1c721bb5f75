import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { isRunning, listProcesses, parseProcessStat, readProcFile, readProcessStat } from '../../src/machine/proc.ts';
import { waitFor } from '../helpers/wait.ts';

test('a name with spaces and parentheses does not shift the fields', () => {
  const line =
    '4242 (a (b) c) S 17 4242 4242 0 -1 4194560 5147 0 0 0 250 75 0 0 20 0 11 0 987654 1108709376 10543 18446744073709551615';
  expect(parseProcessStat(line)).toEqual({ state: 'S', parentPid: 17, cpuTicks: 325, startTicks: 987_654 });
});

describe.runIf(process.platform === 'linux')('/proc', () => {
  test('shows a child with its parent, and the time that it used', async () => {
    const child = spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' });
    onTestFinished(() => void child.kill('SIGKILL'));
    const pid = child.pid ?? 0;
    // While it starts it uses time too, and sleeps now and then; it is running for good only in its loop.
    const stat = await waitFor(async () => {
      const seen = await readProcessStat(pid);
      expect(seen).toMatchObject({ state: 'R', parentPid: process.pid });
      expect(seen?.cpuTicks).toBeGreaterThan(0);
      return seen;
    });
    const own = await readProcessStat(process.pid);
    expect(stat?.startTicks).toBeGreaterThan(own?.startTicks ?? Infinity);
    expect(await listProcesses()).toEqual(expect.arrayContaining([pid, process.pid]));
  });

  test('shows nothing of a process that is gone', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    expect(await readProcessStat(child.pid ?? 0)).toBeNull();
    expect(await readProcFile(child.pid ?? 0, 'cmdline')).toBe('');
  });
});

test('a process runs until it has ended; pids of no single process do not', async () => {
  expect([isRunning(process.pid), isRunning(1), isRunning(0), isRunning(-1)]).toEqual([true, true, false, false]);
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  expect(isRunning(child.pid ?? 0)).toBe(true);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(isRunning(child.pid ?? 0)).toBe(false);
});
