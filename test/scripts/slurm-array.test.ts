import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { shardOf } from '../../src/data/shard.ts';
import { type CliFolder, countLines, createCliFolder, mock, program, prompts, until } from '../helpers/run-cli.ts';

const script = fileURLToPath(new URL('../../examples/slurm-array.sh', import.meta.url));
const output = 'in.results.2-of-3.jsonl';

/** A folder with what the script calls by name: llmbatch, and an scontrol that notes how it was called. */
async function folderOfTask(): Promise<CliFolder> {
  const folder = await createCliFolder();
  await mkdir(folder.at('bin'));
  await folder.write('bin/llmbatch', `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`);
  await folder.write('bin/scontrol', '#!/bin/sh\necho "$@" >> requeued.txt\n');
  for (const name of ['llmbatch', 'scontrol']) await chmod(folder.at(`bin/${name}`), 0o755);
  await folder.write('in.jsonl', prompts(90));
  return folder;
}

/** Starts the second of three tasks, as Slurm does. */
function startTask(folder: CliFolder, words: string[], variables: Record<string, string> = {}): ChildProcess {
  const task = { SLURM_ARRAY_JOB_ID: '77', SLURM_ARRAY_TASK_ID: '2', SLURM_ARRAY_TASK_COUNT: '3', ...variables };
  const child = spawn('bash', [script, 'in.jsonl', ...words], {
    cwd: folder.path,
    env: { PATH: `${folder.at('bin')}:${process.env['PATH']}`, HOME: folder.at('..'), ...task },
    stdio: 'ignore',
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

const exitOf = async (child: ChildProcess): Promise<unknown> => (await once(child, 'exit'))[0];
const requests = prompts(90)
  .match(/r\d+/g)!
  .filter((id) => shardOf(id, 3) === 2);

test('a task that gets SIGTERM lets what is in flight finish, is put into the queue again, and goes on', async () => {
  const folder = await folderOfTask();
  const flags = mock('latency_ms=100', 'slots=1').filter((word) => word !== '--progress' && word !== 'none');
  const task = startTask(folder, flags);
  await until(async () => (await countLines(folder.at(output))) > 1);
  task.kill('SIGTERM');
  expect(await exitOf(task)).toBe(143);
  expect(await folder.text('requeued.txt')).toBe('requeue 77_2\n');
  const manifest = await folder.manifest(`${output}.run.json`);
  expect([manifest.state, manifest.shard]).toEqual(['stopped', { index: 2, count: 3 }]);
  const done = await countLines(folder.at(output));
  expect(done).toBeLessThan(requests.length);
  expect(await exitOf(startTask(folder, flags))).toBe(0);
  expect((await folder.results(output)).map(({ custom_id }) => custom_id)).toEqual(requests);
  expect(await folder.text('requeued.txt')).toBe('requeue 77_2\n');
});

test('a task that is sent alone is told the number of all, else it is refused', async () => {
  const folder = await folderOfTask();
  const flags = ['-b', 'mock', '-m', 'mock'];
  expect(await exitOf(startTask(folder, flags, { SLURM_ARRAY_TASK_COUNT: '1' }))).toBe(2);
  expect(await exitOf(startTask(folder, flags, { SLURM_ARRAY_TASK_COUNT: '1', SHARDS: '3' }))).toBe(0);
  expect(await folder.results(output)).toHaveLength(requests.length);
});
