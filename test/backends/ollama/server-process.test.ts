import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test, vi } from 'vitest';
import { createRunnerProcess } from '../../../src/backends/ollama/server-process.ts';
import { promised } from './open-ollama-for-test.ts';

test('the process of a model is found, and found again when it is another', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  const again = promised();
  const find = vi
    .fn<() => Promise<number | null>>()
    .mockResolvedValueOnce(child.pid ?? null)
    .mockResolvedValueOnce(null)
    .mockImplementation(async () => {
      again.keep();
      return process.pid;
    });
  const runner = createRunnerProcess(find);
  expect(runner.pid()).toBe(null);
  await runner.look();
  expect(runner.pid()).toBe(child.pid);
  expect(find).toHaveBeenCalledTimes(1);

  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(runner.pid()).toBe(null);
  await new Promise(setImmediate);
  // Still none: the model is being loaded.
  expect(runner.pid()).toBe(null);
  await again.promise;
  await new Promise(setImmediate);
  expect(runner.pid()).toBe(process.pid);
  expect(find).toHaveBeenCalledTimes(3);
});

test('a process that can’t be seen is not looked for over and over', async () => {
  const find = vi.fn(() => Promise.reject(new Error('no /proc')));
  const runner = createRunnerProcess(find);
  await runner.look();
  for (let time = 0; time < 5; time++) expect(runner.pid()).toBe(null);
  expect(find).toHaveBeenCalledTimes(1);
});
