import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { createCliFolder, mock, prompts, until } from '../helpers/run-cli.ts';

const keep = 'cat > report.json; echo "$LLMBATCH_STATE $LLMBATCH_EXIT_CODE $LLMBATCH_OUTPUT" > facts.txt';

async function openFolder() {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', prompts(3));
  const report = async () => JSON.parse(await folder.text('report.json')) as Record<string, unknown>;
  return { ...folder, report, facts: () => folder.text('facts.txt') };
}

describe('--on-end', () => {
  test('gets what --json prints, with how it ended; its stdout is our stderr', async () => {
    const folder = await openFolder();
    const { exitCode, stdout, stderr } = await folder.run([
      ...['run', 'in.jsonl', ...mock(), '--json', '--on-end', `${keep}; echo from the command`],
    ]);
    expect(exitCode).toBe(0);
    expect(await folder.report()).toEqual({ ...(JSON.parse(stdout) as object), exit_code: 0, error: null });
    expect(await folder.facts()).toBe(`finished 0 ${folder.at('in.results.jsonl')}\n`);
    expect(stderr).toContain('from the command\n');
  });

  test('runs once for several inputs, with the sums and each of them', async () => {
    const folder = await openFolder();
    await folder.write('b.jsonl', prompts(2));
    await folder.run(['run', 'in.jsonl', 'b.jsonl', ...mock(), '--on-end', `cat >> report.json`]);
    const { runs, ...whole } = await folder.report();
    expect(whole).toMatchObject({ schema_version: 1, state: 'finished', done: 5, succeeded: 5, failed: 0 });
    expect(runs).toMatchObject([{ done: 3 }, { output: folder.at('b.results.jsonl'), done: 2 }]);
  });

  test('changes neither the exit code nor the result, whatever it does', async () => {
    const folder = await openFolder();
    const run = (...flags: string[]) => folder.run(['run', 'in.jsonl', ...mock(...flags), '--retries', '0']);
    expect((await run('fault_rate=1')).exitCode).toBe(3);
    const commands = ['exit 7', 'kill -9 $$', 'exec <&-; exit 0', 'nosuchprogram'];
    for (const command of commands) {
      const { exitCode, stderr } = await folder.run(['resume', 'in.results.jsonl', '--on-end', command]);
      expect([command, exitCode]).toEqual([command, 3]);
      if (command === 'exit 7') expect(stderr).toContain('--on-end: the command ended with 7\n');
    }
  });

  test('runs after a failure too, and after the error is told', async () => {
    const folder = await openFolder();
    const missing = await folder.run(['run', 'no.jsonl', ...mock(), '--on-end', `${keep}; echo from the command`]);
    expect([missing.exitCode, missing.stderr]).toEqual([
      2,
      expect.stringMatching(/^Error: no such file.*from the command\n$/s),
    ]);
    expect(await folder.report()).toMatchObject({
      state: 'failed',
      exit_code: 2,
      error: { message: 'no such file: no.jsonl' },
    });
    const unusable = ['-b', 'openai', '--base-url', 'http://127.0.0.1:1/v1', '-m', 'm'];
    expect((await folder.run(['run', 'in.jsonl', ...unusable, '--on-end', keep])).exitCode).toBe(4);
    expect(await folder.report()).toMatchObject({ state: 'failed', exit_code: 4 });
  });

  test('runs after Ctrl-C, when what was in flight has ended; the next Ctrl-C ends it', async () => {
    const folder = await openFolder();
    await folder.write('in.jsonl', prompts(200));
    const command = `${keep}; echo waiting; sleep 600`;
    const { child, outcome, stderr } = folder.start([
      ...['run', 'in.jsonl', ...mock('latency_ms=100'), '--workers', '2', '--on-end', command],
    ]);
    await until(async () => (await readFile(folder.at('in.results.jsonl'), 'utf8').catch(() => '')) !== '');
    child.kill('SIGINT');
    await until(() => stderr().includes('waiting'));
    expect(await folder.report()).toMatchObject({ state: 'stopped', exit_code: 130, in_flight: 0 });
    child.kill('SIGINT');
    expect((await outcome).exitCode).toBe(130);
  });

  test('is not run by what only looks, and is not kept for a resume', async () => {
    const folder = await openFolder();
    await folder.run(['run', 'in.jsonl', ...mock(), '--dry-run', '--on-end', keep]);
    await folder.run(['run', 'in.jsonl', ...mock(), '--estimate', '2', '--on-end', keep]);
    await folder.run(['run', 'in.jsonl', ...mock('fault_rate=1'), '--retries', '0', '--on-end', 'touch ran']);
    const manifest = await folder.text('in.results.jsonl.run.json');
    expect((await folder.everything()).some(([path]) => path.endsWith('report.json'))).toBe(false);
    expect(manifest).not.toContain('touch ran');
  });

  test('comes from a variable or the own settings for a resume, too', async () => {
    const folder = await openFolder();
    await folder.run(['run', 'in.jsonl', ...mock('fault_rate=1'), '--retries', '0']);
    await folder.run(['resume', 'in.results.jsonl'], { environment: { LLMBATCH_ON_END: keep } });
    expect(await folder.report()).toMatchObject({ exit_code: 3, failed: 3 });
  });

  test('gets the analysis of a bench', async () => {
    const folder = await openFolder();
    const sizes = ['--workers', '1', '--sizes', '2', '--repeat', '1'];
    const { exitCode } = await folder.run(['bench', 'in.jsonl', ...mock(), ...sizes, '--on-end', keep]);
    expect(await folder.report()).toMatchObject({ state: 'finished', exit_code: exitCode, trials: [{}] });
  });
});
