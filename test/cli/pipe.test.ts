import { describe, expect, test } from 'vitest';
import { allFiles, createCliFolder, mock, prompts, readResults, until } from '../helpers/run-cli.ts';

describe('llmbatch run in a pipe', () => {
  test('writes results to stdout and nothing else, and forgets the run when it has finished', async () => {
    const folder = await createCliFolder();
    const { exitCode, stdout } = await folder.run(['run', '-', ...mock()], { stdin: prompts(50) });
    expect(exitCode).toBe(0);
    expect(new Set(readResults(stdout).map(({ custom_id }) => custom_id)).size).toBe(50);
    expect(await allFiles(folder.path)).toEqual([]);
  });

  test('answers the first requests before standard input has ended', async () => {
    const folder = await createCliFolder();
    const run = folder.start(['run', '-', ...mock()], { stdin: null });
    run.child.stdin?.write(prompts(3));
    await until(() => run.stdout().split('\n').length > 3);
    run.child.stdin?.end(prompts(2, 4));
    const { exitCode, stdout } = await run.outcome;
    expect([exitCode, readResults(stdout).map(({ custom_id }) => custom_id)]).toEqual([
      0,
      ['r1', 'r2', 'r3', 'r4', 'r5'],
    ]);
  });

  test('keeps a last line without a line feed', async () => {
    const folder = await createCliFolder();
    const { exitCode, stdout } = await folder.run(['run', '-', ...mock()], { stdin: prompts(2).trimEnd() });
    expect([exitCode, readResults(stdout).length]).toEqual([0, 2]);
  });

  test('ends cleanly when the reader of stdout goes away', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(2000));
    const run = folder.start(['run', 'in.jsonl', '-o', '-', ...mock('latency_ms=5')]);
    await until(() => run.stdout().includes('\n'));
    run.child.stdout?.destroy();
    const { exitCode, stderr } = await run.outcome;
    expect([exitCode, stderr]).toEqual([0, expect.not.stringContaining('Error')]);
    expect(stderr).toContain('llmbatch resume');
  });

  test('ends at the second Ctrl-C though nobody reads what it writes', async () => {
    const folder = await createCliFolder();
    await folder.write(
      'in.jsonl',
      `${JSON.stringify({ prompt: 'far more than a pipe holds '.repeat(20_000) })}\n`.repeat(20),
    );
    const run = folder.start(['run', 'in.jsonl', '-o', '-', ...mock('latency_ms=300', 'slots=1')]);
    run.child.stdout?.pause();
    const hasResults = ([path, text]: [string, string]): boolean => path.endsWith('results.jsonl') && text !== '';
    await until(async () => (await folder.everything()).some(hasResults));
    run.child.kill('SIGINT');
    await until(() => run.stderr().includes('stopping'));
    run.child.kill('SIGINT');
    const exit = new Promise((resolve) => run.child.once('exit', resolve));
    expect(await exit).toBe(130);
  });

  test('goes on when the reader of stderr goes away', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(300));
    const run = folder.start(['run', 'in.jsonl', ...mock('latency_ms=20')]);
    await until(() => run.stderr().includes('mock, mock'));
    run.child.stderr?.destroy();
    expect((await run.outcome).exitCode).toBe(0);
    expect(await folder.results('in.results.jsonl')).toHaveLength(300);
  });

  test('is resumed from what was kept of standard input', async () => {
    const folder = await createCliFolder();
    const run = folder.start(['run', '-', ...mock('latency_ms=20')], { stdin: prompts(500) });
    await until(() => run.stdout().includes('\n'));
    run.child.kill('SIGINT');
    const { exitCode, stderr, stdout } = await run.outcome;
    expect(exitCode).toBe(130);
    const output = /llmbatch resume (\S+)/.exec(stderr)?.[1] ?? '';
    const resumed = await folder.run(['resume', output, '--progress', 'none']);
    expect(resumed.exitCode).toBe(0);
    const ids = [...readResults(stdout), ...readResults(resumed.stdout)].map(({ custom_id }) => custom_id);
    expect(ids).toHaveLength(500);
    expect(new Set(ids).size).toBe(500);
  });

  test('of several models in a stream answers each', async () => {
    const folder = await createCliFolder();
    const stdin = ['one', 'two', 'one']
      .map((model, index) => JSON.stringify({ id: `${index}`, prompt: 'Hi', model }))
      .join('\n');
    const { exitCode, stdout } = await folder.run(['run', '-', '-b', 'mock', '--progress', 'none'], { stdin });
    expect(exitCode).toBe(0);
    expect(readResults(stdout).map(({ custom_id, llmbatch }) => [custom_id, llmbatch.model])).toEqual([
      ['0', 'one'],
      ['2', 'one'],
      ['1', 'two'],
    ]);
  });

  test('writes no colour into a pipe, with and without NO_COLOR', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(3));
    const flags = ['run', 'in.jsonl', '--overwrite', ...mock(), '--progress', 'bar'];
    const runs = [await folder.run(flags), await folder.run(flags, { environment: { NO_COLOR: '1' } })];
    for (const { stderr } of runs) expect(stderr).not.toContain('\u001B');
  });
});
