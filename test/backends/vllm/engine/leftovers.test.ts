import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { leftovers } from '../../../../src/backends/vllm/engine/leftovers.ts';
import { scratchFolder } from '../../../helpers/scratch-folder.ts';

/** A folder as /proc is: the processes by their number, each with its command line and its parent. */
async function procOf(
  processes: Record<string, { commandLine: string; parent: number; name?: string }>,
): Promise<string> {
  const folder = await scratchFolder();
  for (const [pid, { commandLine, parent, name = 'python3' }] of Object.entries(processes)) {
    await mkdir(join(folder, pid));
    await writeFile(join(folder, pid, 'cmdline'), `${commandLine}\0`);
    await writeFile(join(folder, pid, 'comm'), `${name}\n`);
    await writeFile(join(folder, pid, 'status'), `Name:\t${name}\nPid:\t${pid}\nPPid:\t${parent}\nUid:\t0\n`);
  }
  return folder;
}

test('engines whose parent is gone are named, with the command that ends them', async () => {
  const folder = await procOf({
    12: { commandLine: 'VLLM::EngineCore', parent: 1 },
    13: { commandLine: 'VLLM::Worker_TP1', parent: 1 },
    14: { commandLine: 'VLLM::EngineCore', parent: 10 },
    10: { commandLine: 'python\0worker.py', parent: 1 },
    11: { commandLine: 'python\0VLLM::EngineCore', parent: 1 },
    self: { commandLine: 'VLLM::EngineCore', parent: 1 },
  });
  expect((await leftovers(folder)).toSorted()).toEqual([
    'process 12 (VLLM::EngineCore) was left by an earlier engine, and may use GPU memory: kill 12',
    'process 13 (VLLM::Worker_TP1) was left by an earlier engine, and may use GPU memory: kill 13',
  ]);
});

test("a desktop's own process takes orphans in too", async () => {
  const folder = await procOf({
    900: { commandLine: '/usr/lib/systemd/systemd\0--user', parent: 1, name: 'systemd' },
    901: { commandLine: 'VLLM::EngineCore', parent: 900 },
  });
  expect(await leftovers(folder)).toHaveLength(1);
});

test('where there is no such folder there are none', async () => {
  expect(await leftovers('/no/such/folder')).toEqual([]);
});
