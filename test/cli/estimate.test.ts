import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { createCliFolder, mock, prompts } from '../helpers/run-cli.ts';

describe('llmbatch run --estimate', () => {
  test('times a sample of each input, projects, and writes nothing', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(1000));
    const before = (await folder.everything()).map(([path]) => path);
    const { stdout, exitCode } = await folder.run(['run', 'in.jsonl', ...mock('latency_ms=10'), '--estimate', '400']);
    expect([exitCode, stdout]).toEqual([
      0,
      expect.stringMatching(/^in\.jsonl: 1,000 requests\n {2}sample {2}400 answered/),
    ]);
    expect(stdout).toMatch(/time {4}about [\d.]+ s/);
    expect((await folder.everything()).map(([path]) => path)).toEqual(before);
  });

  test('takes 200 requests of standard input, or all it has, and --json has the numbers', async () => {
    const folder = await createCliFolder();
    const args = ['run', '-', ...mock('latency_ms=1'), '--estimate', '--json'];
    const [many, few] = await Promise.all([300, 50].map((count) => folder.run(args, { stdin: prompts(count) })));
    expect(JSON.parse(many!.stdout)).toMatchObject({
      input: '-',
      requests: 300,
      sampled: 200,
      succeeded: 200,
      failed: 0,
    });
    expect(JSON.parse(few!.stdout)).toMatchObject({ requests: 50, sampled: 50, succeeded: 50 });
    expect(await readdir(folder.path)).toEqual([]);
  });

  test('a sample in which all failed promises nothing', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(20));
    const engine = mock('fault_rate=1', 'fault_kinds=refused');
    const { stdout, exitCode } = await folder.run([
      'run',
      'in.jsonl',
      ...engine,
      '--estimate',
      '--max-error-rate',
      '1',
    ]);
    expect([exitCode, stdout]).toEqual([3, expect.stringContaining('n/a: nothing was answered')]);
  });
});
