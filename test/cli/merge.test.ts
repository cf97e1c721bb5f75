import { appendFile, readdir, symlink } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { type CliFolder, countLines, createCliFolder, mock, prompts, readResults, until } from '../helpers/run-cli.ts';

async function finishedRun(lines = 20): Promise<CliFolder> {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', prompts(lines));
  await folder.run(['run', 'in.jsonl', ...mock()]);
  return folder;
}

describe('llmbatch merge', () => {
  test('brings the outputs of one input into its order: one line a request, a success before a failure', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(30));
    const failing = mock('fault_rate=0.5', 'fault_kinds=bad-request');
    await folder.run(['run', 'in.jsonl', '-o', 'a.jsonl', '--max-error-rate', '1', ...failing]);
    await folder.run(['run', 'in.jsonl', '-o', 'b.jsonl', '--sample', '20', ...mock()]);
    const { exitCode, stdout, stderr } = await folder.run(['merge', 'a.jsonl', 'b.jsonl', '--json']);
    const merged = readResults(stdout);
    const failed = merged.filter(({ error }) => error !== null).length;
    expect(merged.map(({ custom_id }) => custom_id)).toEqual(Array.from({ length: 30 }, (_, index) => `r${index + 1}`));
    expect(JSON.parse(stderr)).toEqual({ schema_version: 1, succeeded: 30 - failed, failed, left_out: 0 });
    expect(exitCode).toBe(failed > 0 ? 3 : 0);
  });

  test('writes a file, and does not replace one unasked', async () => {
    const folder = await finishedRun();
    const words = ['merge', 'in.results.jsonl', '-o', 'all.jsonl'];
    const first = await folder.run(words);
    const second = await folder.run(words);
    const third = await folder.run([...words, '--overwrite']);
    expect([first, second, third].map(({ exitCode }) => exitCode)).toEqual([0, 5, 0]);
    expect(await folder.results('all.jsonl')).toHaveLength(20);
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('that %s ends leaves nothing of its output', async (signal) => {
    const folder = await finishedRun(1);
    const [result] = await folder.results('in.results.jsonl');
    const many = Array.from(
      { length: 300_000 },
      (_, row) => `${JSON.stringify({ ...result, custom_id: `r${row}` })}\n`,
    );
    await folder.write('many.jsonl', many.join(''));
    const files = await readdir(folder.path);
    const merging = folder.start(['merge', 'many.jsonl', '-o', 'all.jsonl']);
    await until(async () => (await readdir(folder.path)).some((name) => name.startsWith('all.jsonl.draft-')));
    merging.child.kill(signal);
    expect((await merging.outcome).exitCode).toBeNull();
    expect(await readdir(folder.path)).toEqual(files);
  });

  test('of a file that is not there is told, not a bug', async () => {
    const folder = await createCliFolder();
    const { exitCode, stderr } = await folder.run(['merge', 'missing.jsonl']);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('missing.jsonl')]);
  });

  test('refuses shards without ids, whose results would take each other away', async () => {
    const folder = await createCliFolder();
    for (const shard of ['a', 'b']) {
      await folder.write(`${shard}.jsonl`, `{"prompt":"${shard}1"}\n{"prompt":"${shard}2"}\n`);
      await folder.run(['run', `${shard}.jsonl`, ...mock()]);
    }
    const outcome = await folder.run(['merge', 'a.results.jsonl', 'b.results.jsonl', '-o', 'all.jsonl']);
    expect([outcome.exitCode, outcome.stderr]).toEqual([2, expect.stringContaining('Give every row an "id"')]);
    await expect(folder.text('all.jsonl')).rejects.toThrow('ENOENT');
    await folder.run(['run', 'a.jsonl', '-o', 'again.jsonl', ...mock()]);
    expect((await folder.run(['merge', 'a.results.jsonl', 'again.jsonl'])).exitCode).toBe(0);
  });

  test('tells of lines that are no results, and refuses a file of them', async () => {
    const folder = await finishedRun();
    await appendFile(folder.at('in.results.jsonl'), 'rubbish\n');
    const text = await folder.run(['merge', 'in.results.jsonl']);
    const json = await folder.run(['merge', 'in.results.jsonl', '--json']);
    expect(text.stderr).toBe('20 succeeded, 0 failed; skipped, because they are not results: 1 lines\n');
    expect(JSON.parse(json.stderr)).toEqual({ schema_version: 1, succeeded: 20, failed: 0, left_out: 1 });
    const input = await folder.run(['merge', 'in.results.jsonl', 'in.jsonl']);
    expect([input.exitCode, input.stdout, input.stderr]).toEqual([
      2,
      '',
      expect.stringContaining('contains no result'),
    ]);
  });

  test('does not replace the output of a live run', async () => {
    const folder = await finishedRun();
    await folder.write('more.jsonl', prompts(1000));
    const run = folder.start(['run', 'more.jsonl', ...mock('latency_ms=1000')]);
    await until(async () => (await countLines(folder.at('more.results.jsonl'))) > 0);
    await symlink('more.results.jsonl', folder.at('link.jsonl'));
    const words = ['merge', 'in.results.jsonl', '--overwrite', '-o'];
    const outcomes = [await folder.run([...words, 'more.results.jsonl']), await folder.run([...words, 'link.jsonl'])];
    run.child.kill('SIGKILL');
    await run.outcome;
    expect(outcomes.map(({ exitCode }) => exitCode)).toEqual([5, 5]);
    expect(outcomes[0]?.stderr).toContain('is being written by process');
    expect((await folder.run([...words, 'link.jsonl'])).exitCode).toBe(0);
    expect(await folder.results('more.results.jsonl')).toHaveLength(20);
    expect((await folder.run(['merge', 'in.results.jsonl', '--overwrite', '-o', '.'])).exitCode).toBe(5);
  });
});
