import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { RunEvent } from '../../src/core/events.ts';
import { parseGpuLine, watchGpus } from '../../src/machine/gpu.ts';
import { waitFor } from '../helpers/wait.ts';

const path = process.env['PATH'];
const built = new URL('../../dist/machine/gpu.js', import.meta.url);
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'llmbatch-gpu-'));
});
afterEach(async () => {
  process.env['PATH'] = path;
  await rm(folder, { recursive: true });
});

async function installNvidiaSmi(body: string): Promise<void> {
  const file = join(folder, 'nvidia-smi');
  await writeFile(file, `#!/bin/sh\necho $$ > ${folder}/pid\n${body}\n`);
  await chmod(file, 0o755);
  process.env['PATH'] = `${folder}:${path}`;
}

const twoGpus = `while :; do
echo "1024, 16376, 97, 61, 212.40"
echo "[N/A], 16376, [N/A], [Not Supported], 30.00"
sleep 1
done`;

const fakePid = async (): Promise<number> => Number(await readFile(join(folder, 'pid'), 'utf8'));

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('the lines of one tick are one sample of all GPUs', async () => {
  await installNvidiaSmi(twoGpus);
  const controller = new AbortController();
  const events: RunEvent[] = [];
  watchGpus((event) => events.push(event), { signal: controller.signal });
  await waitFor(() => expect(events.length).toBeGreaterThan(0));
  controller.abort();
  const totalBytes = 16_376 * 1024 ** 2;
  expect(events[0]).toEqual({
    type: 'gpu-sample',
    gpus: [
      { usedBytes: 1024 ** 3, totalBytes, utilisation: 97, temperature: 61, powerWatts: 212.4 },
      { usedBytes: null, totalBytes, utilisation: null, temperature: null, powerWatts: 30 },
    ],
  });
});

test('the signal ends the child', async () => {
  await installNvidiaSmi(twoGpus);
  const controller = new AbortController();
  const events: RunEvent[] = [];
  watchGpus((event) => events.push(event), { signal: controller.signal });
  await waitFor(() => expect(events.length).toBeGreaterThan(0));
  controller.abort();
  const pid = await fakePid();
  await waitFor(() => expect(isAlive(pid)).toBe(false));
});

test('a driver that fails emits nothing', async () => {
  await installNvidiaSmi(
    `echo "NVIDIA-SMI has failed because it couldn't communicate with the driver."\ntouch ${folder}/ran\nexit 9`,
  );
  const emit = vi.fn();
  const controller = new AbortController();
  watchGpus(emit, { signal: controller.signal });
  await waitFor(() => expect(existsSync(join(folder, 'ran'))).toBe(true));
  controller.abort();
  expect(emit).not.toHaveBeenCalled();
});

/** Runs the built watcher in a process of its own. */
function runWatcher(body: string, PATH: string | undefined): Promise<{ code: number | null; output: string }> {
  const script = `import { watchGpus } from '${built.href}';
    const watch = (onSample) => watchGpus(onSample, { signal: new AbortController().signal });
    ${body}`;
  return new Promise((resolve) => {
    const args = ['--input-type=module', '-e', script];
    const child = execFile(process.execPath, args, { env: { PATH } }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode, output: stdout + stderr }),
    );
  });
}

test.skipIf(!existsSync(built))('without nvidia-smi a process ends by itself and says nothing', async () => {
  expect(await runWatcher('watch(console.log);', folder)).toEqual({ code: 0, output: '' });
});

test.skipIf(!existsSync(built))('a watched GPU keeps no process alive, and ends with it', async () => {
  await installNvidiaSmi(twoGpus);
  const untilFirstSample = 'const hold = setInterval(() => {}, 1000); watch(() => clearInterval(hold));';
  expect(await runWatcher(untilFirstSample, process.env['PATH'])).toEqual({ code: 0, output: '' });
  const pid = await fakePid();
  await waitFor(() => expect(isAlive(pid)).toBe(false));
});

test.skipIf(!existsSync(built))('the child does not outlive a process that is killed', async () => {
  await installNvidiaSmi(twoGpus);
  const killItself = "setInterval(() => {}, 1000); watch(() => process.kill(process.pid, 'SIGKILL'));";
  expect((await runWatcher(killItself, process.env['PATH'])).code).toBeNull();
  const pid = await fakePid();
  await waitFor(() => expect(isAlive(pid)).toBe(false));
});

test('a message is not a sample', () => {
  expect(parseGpuLine('No devices were found')).toBeNull();
  expect(parseGpuLine('')).toBeNull();
});

test('a clock and the bits of what holds it down are read where they are told', () => {
  const base = '1024, 16376, 97, 83, 212.40, 1650, 3105, ';
  expect(parseGpuLine(`${base}0x0000000000000020`)).toMatchObject({
    clockMhz: 1650,
    maxClockMhz: 3105,
    isThrottled: true,
  });
  // Idle, and the clocks that an application asked for, are no throttling.
  expect(parseGpuLine(`${base}0x0000000000000003`)?.isThrottled).toBe(false);
  expect(parseGpuLine(`${base}[N/A]`)?.isThrottled).toBeNull();
});

test.each([
  ['clocks_event_reasons.active', { clockMhz: 1650, isThrottled: true }, 1],
  ['clocks_throttle_reasons.active', { clockMhz: 1650, isThrottled: true }, 2],
  ['power.draw', { powerWatts: 212.4 }, 3],
])('a driver whose last field is %s is asked for no more than it knows', async (last, expected, starts) => {
  await installNvidiaSmi(`echo started >> ${folder}/starts
case "$*" in
*"${last} --format"*) ;;
*) echo 'Field "x" is not a valid field to query.'; exit 2 ;;
esac
while :; do
case "$*" in
*clocks.sm*) echo "1024, 16376, 97, 83, 212.40, 1650, 3105, 0x0000000000000040" ;;
*) echo "1024, 16376, 97, 83, 212.40" ;;
esac
sleep 1
done`);
  const controller = new AbortController();
  const events: RunEvent[] = [];
  watchGpus((event) => events.push(event), { signal: controller.signal });
  await waitFor(() => expect(events.length).toBeGreaterThan(0));
  controller.abort();
  expect(events[0]).toMatchObject({ gpus: [expected] });
  expect((await readFile(join(folder, 'starts'), 'utf8')).trim().split('\n')).toHaveLength(starts);
});
