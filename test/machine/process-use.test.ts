import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import type { RunEvent } from '../../src/core/events.ts';
import { parsePsTime, readProcFolder, readProcTree, readPs, watchProcess } from '../../src/machine/process-use.ts';
import { waitFor, waitUntil } from '../helpers/wait.ts';

type Sample = Extract<RunEvent, { type: 'process-sample' }>;

const spawnBusy = () =>
  spawn(process.execPath, ['-e', 'console.log(1); for (;;);'], { stdio: ['ignore', 'pipe', 'ignore'] });

test('a busy process shows its CPU and its memory, and its end is no error', async () => {
  const busy = spawnBusy();
  await once(busy.stdout, 'data');
  const controller = new AbortController();
  const events: Sample[] = [];
  watchProcess(
    () => busy.pid ?? null,
    (event) => events.push(event as Sample),
    { signal: controller.signal, intervalMs: 300 },
  );
  // How much of the CPU it gets is for the machine to say.
  await waitFor(() => expect(Math.max(...events.map((event) => event.cpuPercent))).toBeGreaterThan(10));
  expect(events[0]?.memoryBytes).toBeGreaterThan(10 * 1024 ** 2);

  busy.kill('SIGKILL');
  await once(busy, 'exit');
  const before = events.length;
  expect(await readProcFolder(busy.pid ?? 0)).toBeNull();
  controller.abort();
  expect(events.length).toBeLessThanOrEqual(before + 1);
});

test.runIf(process.platform === 'linux')('/proc and ps tell the same', async () => {
  const [fromProc, fromPs] = await Promise.all([readProcFolder(process.pid), readPs(process.pid)]);
  expect(Math.abs((fromProc?.cpuSeconds ?? 0) - (fromPs?.cpuSeconds ?? 0))).toBeLessThan(2);
  expect((fromProc?.memoryBytes ?? 0) / (fromPs?.memoryBytes ?? 1)).toBeCloseTo(1, 0);
});

test('a process that does not exist is null, not an error', async () => {
  expect(await readProcFolder(2 ** 30)).toBeNull();
  expect(await readPs(2 ** 30)).toBeNull();
});

test('the times of ps are read in all their forms', () => {
  expect(parsePsTime('0:01.23')).toBeCloseTo(1.23);
  expect(parsePsTime('00:02:03')).toBe(123);
  expect(parsePsTime('2-01:00:00')).toBe(2 * 86_400 + 3600);
});

test.runIf(process.platform === 'linux')('an engine of several processes is measured as one', async () => {
  const parent = spawn('sh', ['-c', 'sleep 20 & wait'], { stdio: 'ignore', detached: true });
  onTestFinished(() => void process.kill(-(parent.pid ?? 0), 'SIGKILL'));
  const own = await waitUntil(() => readProcFolder(parent.pid ?? 0));
  const tree = await waitUntil(async () => {
    const use = await readProcTree(parent.pid ?? 0);
    return use !== null && use.memoryBytes > own.memoryBytes ? use : null;
  });
  expect(tree.memoryBytes).toBeGreaterThan(own.memoryBytes);
  expect(await readProcTree(2 ** 30)).toBeNull();
});
