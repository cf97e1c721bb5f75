import { spawn } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import {
  type CliFolder,
  allFiles,
  countLines,
  createCliFolder,
  mock,
  program,
  prompts,
  until,
} from '../helpers/run-cli.ts';

const output = 'in.results.jsonl';
const slow = mock('latency_ms=40', 'slots=8');

async function startedRun(
  flags: string[],
  lines = 400,
): Promise<CliFolder & { first: ReturnType<CliFolder['start']> }> {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', prompts(lines));
  const first = folder.start(['run', 'in.jsonl', ...flags]);
  await until(async () => (await countLines(folder.at(output))) > 0);
  return { ...folder, first };
}

describe('an interrupted run', () => {
  test('lets what is in flight finish, prints the resume command, exits 130, and the resume completes it', async () => {
    const folder = await startedRun(slow);
    folder.first.child.kill('SIGINT');
    const { exitCode, stderr } = await folder.first.outcome;
    expect(exitCode).toBe(130);
    expect(stderr).toContain('in flight may finish, 30 s at most; Ctrl-C again ends now');
    expect(stderr).toContain(`llmbatch resume ${folder.at(output)}`);
    const kept = await folder.text(output);
    expect((await folder.manifest('in.results.jsonl.run.json')).state).toBe('stopped');
    const resumed = await folder.run(['resume', '--progress', 'none']);
    expect(resumed.exitCode).toBe(0);
    const results = await folder.results(output);
    expect(results.map(({ custom_id }) => custom_id)).toEqual(
      Array.from({ length: 400 }, (_, index) => `r${index + 1}`),
    );
    const lines = new Set((await folder.text(output)).split('\n'));
    expect(kept.split('\n').filter((line) => !lines.has(line))).toEqual([]);
  });

  test('ends at once at the second Ctrl-C, without a result for what was in flight', async () => {
    const folder = await startedRun(mock('latency_ms=30', 'fault_rate=0.3', 'fault_kinds=hang'));
    folder.first.child.kill('SIGINT');
    await until(() => folder.first.stderr().includes('stopping'));
    folder.first.child.kill('SIGINT');
    expect((await folder.first.outcome).exitCode).toBe(130);
    expect((await folder.results(output)).every(({ error }) => error === null)).toBe(true);
  });

  test('waits for what is in flight no longer than --drain-timeout', async () => {
    const folder = await startedRun([
      '--drain-timeout',
      '300ms',
      ...mock('latency_ms=30', 'fault_rate=0.3', 'fault_kinds=hang'),
    ]);
    folder.first.child.kill('SIGINT');
    expect((await folder.first.outcome).exitCode).toBe(130);
  });

  test('exits 143 at SIGTERM', async () => {
    const folder = await startedRun(slow);
    folder.first.child.kill('SIGTERM');
    expect((await folder.first.outcome).exitCode).toBe(143);
  });

  test('does not start the inputs that wait behind it', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(400));
    await folder.write('next.jsonl', prompts(1));
    const run = folder.start(['run', 'in.jsonl', 'next.jsonl', ...slow]);
    await until(async () => (await countLines(folder.at(output))) > 0);
    run.child.kill('SIGINT');
    expect((await run.outcome).exitCode).toBe(130);
    await expect(folder.text('next.results.jsonl')).rejects.toThrow('ENOENT');
  });

  test('ends while the model is still being loaded', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(5));
    const run = folder.start(['run', 'in.jsonl', '-v', ...mock('load_ms=60000')]);
    await until(() => run.stderr().includes('mode:'));
    run.child.kill('SIGINT');
    await until(() => run.stderr().includes('stopping'));
    run.child.kill('SIGINT');
    const { exitCode, stderr } = await run.outcome;
    expect([exitCode, stderr]).toEqual([130, expect.not.stringContaining('bug')]);
  });

  test('a closed terminal lets what is in flight finish, however often it hangs up, and exits 129', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(200));
    const run = folder.start(['run', 'in.jsonl', '-o', 'out.jsonl', ...mock('latency_ms=300', 'slots=2')]);
    await until(async () => (await countLines(folder.at('out.jsonl'))) > 0);
    run.child.kill('SIGHUP');
    await until(() => run.stderr().includes('stopping'));
    run.child.kill('SIGHUP');
    const { exitCode, stderr } = await run.outcome;
    expect([exitCode, stderr]).toEqual([129, expect.stringContaining('llmbatch resume')]);
    expect(await folder.manifest('out.jsonl.run.json')).toMatchObject({ state: 'stopped', reason: 'interrupted' });
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s leaves nothing of a validate behind', async (signal) => {
    const folder = await createCliFolder();
    const scratch = folder.at('tmp');
    await mkdir(scratch);
    const run = folder.start(['validate', '-'], { stdin: null, environment: { TMPDIR: scratch } });
    run.child.stdin?.write(prompts(3));
    await until(async () => (await allFiles(scratch)).length > 0);
    run.child.kill(signal);
    await run.outcome;
    expect([run.child.signalCode, await readdir(scratch)]).toEqual([signal, []]);
  });

  test('ends while standard input says nothing', async () => {
    const folder = await createCliFolder();
    for (const [index, flags] of [[], ['--sample', '3'], ['--mode', 'conversation']].entries()) {
      const run = folder.start(['run', '-', '-o', `${index}.jsonl`, ...flags, ...mock()], { stdin: null });
      await until(() =>
        folder.text(`${index}.jsonl.run.input`).then(
          () => true,
          () => false,
        ),
      );
      run.child.kill('SIGINT');
      expect((await run.outcome).exitCode).toBe(130);
    }
  });

  test('of the embedded engine survives the Ctrl-C that a shell sends to the engine process too', async () => {
    const folder = await createCliFolder();
    const candidates = spawn(process.execPath, [
      program.replace('bin/llmbatch.js', 'scripts/make-candidates.mjs'),
      '--count',
      '400',
    ]);
    let input = '';
    for await (const piece of candidates.stdout.setEncoding('utf8')) input += piece as string;
    await folder.write('in.jsonl', input);
    const run = folder.start(['run', 'in.jsonl', '--progress', 'none'], { detached: true });
    await until(async () => (await countLines(folder.at(output))) > 0);
    process.kill(-(run.child.pid ?? 0), 'SIGINT');
    const { exitCode, stderr } = await run.outcome;
    expect([exitCode, stderr]).toEqual([130, expect.not.stringContaining('again.')]);
    expect((await folder.results(output)).every(({ error }) => error === null)).toBe(true);
  });
});
