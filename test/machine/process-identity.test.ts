import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { type ProcessIdentity, identifyThisProcess, livenessOf } from '../../src/machine/process-identity.ts';
import { waitFor } from '../helpers/wait.ts';

const like = async (change: Partial<ProcessIdentity>): Promise<ProcessIdentity> => ({
  ...(await identifyThisProcess()),
  ...change,
});

test('this process is alive, and the same whenever it is asked', async () => {
  const self = await identifyThisProcess();
  expect(await identifyThisProcess()).toEqual(self);
  expect(self.pid).toBe(process.pid);
  expect(await livenessOf(self)).toBe('alive');
});

test('a process that has ended is dead', async () => {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  expect(await livenessOf(await like({ pid: child.pid ?? 0 }))).toBe('dead');
});

test('a process that has ended and was not waited for is dead', async ({ skip }) => {
  if (process.platform !== 'linux') return skip('no /proc');
  // The shell becomes a `sleep` that never asks for the end of its child.
  const parent = spawn('sh', ['-c', 'sleep 60 & cat /proc/$!/stat; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void parent.kill('SIGKILL'));
  const [stat] = (await once(parent.stdout, 'data')) as [Buffer];
  const fields = stat.toString().split(' ');
  const child = await like({ pid: Number(fields[0]), startTicks: Number(fields[21]) });
  expect(await livenessOf(child)).toBe('alive');
  process.kill(child.pid, 'SIGKILL');
  await waitFor(async () => expect(await livenessOf(child)).toBe('dead'));
  return undefined;
});

test.skipIf(process.platform !== 'linux').each<[Partial<ProcessIdentity>, string]>([
  [{ startTicks: 1 }, 'dead'],
  [{ boot: 'earlier' }, 'dead'],
  [{ boot: 'other', machine: 'other' }, 'elsewhere'],
  [{ boot: 'other', host: 'other' }, 'elsewhere'],
  [{ pidNamespace: 'pid:[1]' }, 'unseen'],
  [{ pidNamespace: 'pid:[1]', machine: 'container', host: 'container' }, 'unseen'],
  [{ pid: 0, startTicks: 0 }, 'dead'],
])('one like this one but for %j is %s', async (change, liveness) => {
  expect(await livenessOf(await like(change))).toBe(liveness);
});
