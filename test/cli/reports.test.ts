import { appendFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { type CliFolder, createCliFolder, mock, prompts, readResults, until, countLines } from '../helpers/run-cli.ts';

async function finishedRun(lines = 20): Promise<CliFolder> {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', prompts(lines));
  await folder.run(['run', 'in.jsonl', ...mock()]);
  return folder;
}

describe('llmbatch validate', () => {
  test('names every bad line with its reason, and exits 2', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', `${prompts(2)}not JSON\n{"id":"r1","prompt":"again"}\n`);
    const text = await folder.run(['validate', 'in.jsonl', '-m', 'mock']);
    const json = await folder.run(['validate', 'in.jsonl', '-m', 'mock', '--json']);
    expect([text.exitCode, json.exitCode]).toEqual([2, 2]);
    expect(text.stdout).toMatch(/^line 3: not JSON/m);
    expect(text.stdout).toMatch(/^line 4: the id "r1" was seen before$/m);
    expect(JSON.parse(json.stdout)).toMatchObject({
      lines: 4,
      requests: 2,
      rejected: 2,
      models: ['mock'],
      bad_lines: [
        { line: 3, id: 'line-3' },
        { line: 4, id: 'line-4' },
      ],
    });
  });

  test('of a good input exits 0 and leaves nothing behind, from standard input too', async () => {
    const folder = await createCliFolder();
    const { exitCode, stdout } = await folder.run(['validate', '-', '-m', 'mock', '--json'], { stdin: prompts(7) });
    expect([exitCode, JSON.parse(stdout)]).toMatchObject([
      0,
      { requests: 7, rejected: 0, system_prompts: { count: 1 } },
    ]);
  });
});

describe('llmbatch status', () => {
  test('tells of a finished, a running and a killed run, from the files alone', async () => {
    const folder = await finishedRun();
    const finished = await folder.run(['status', 'in.results.jsonl', '--json']);
    expect(JSON.parse(finished.stdout)).toMatchObject({ state: 'finished', done: 20, total: 20 });

    await folder.write('more.jsonl', prompts(1000));
    const run = folder.start(['run', 'more.jsonl', ...mock('latency_ms=40')]);
    await until(async () => (await countLines(folder.at('more.results.jsonl'))) > 0);
    const running = await folder.run(['status', '--json']);
    run.child.kill('SIGKILL');
    await run.outcome;
    const killed = await folder.run(['status', '--json']);
    expect(JSON.parse(running.stdout)).toMatchObject({ state: 'running', output: folder.at('more.results.jsonl') });
    expect(JSON.parse(killed.stdout)).toMatchObject({ state: 'stopped' });
    expect((await folder.run(['status'])).exitCode).toBe(0);
  });

  test('of a folder without a run exits 2', async () => {
    const folder = await createCliFolder();
    expect((await folder.run(['status'])).exitCode).toBe(2);
  });
});

describe('llmbatch report', () => {
  test('reports as text, JSON, Markdown and HTML', async () => {
    const folder = await finishedRun();
    const report = (...flags: string[]): Promise<string> =>
      folder.run(['report', 'in.results.jsonl', ...flags]).then(({ stdout }) => stdout);
    expect(JSON.stringify(JSON.parse(await report('--json')))).toContain('"succeeded":20');
    expect(await report()).toContain('20');
    expect(await report('--format', 'markdown')).toContain('|');
    expect(await report('--format', 'html')).toMatch(/^<!doctype html>/i);
  });

  test('of a file without results, or of none, exits 2', async () => {
    const folder = await createCliFolder();
    await folder.write('empty.jsonl', '');
    const outcomes = [await folder.run(['report', 'empty.jsonl']), await folder.run(['report', 'missing.jsonl'])];
    expect(outcomes.map(({ exitCode, stdout }) => [exitCode, stdout])).toEqual([
      [2, ''],
      [2, ''],
    ]);
    expect(outcomes[1]?.stderr).not.toContain('bug');
  });
});

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
    expect(JSON.parse(stderr)).toEqual({ succeeded: 30 - failed, failed });
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

  test('of a file that is not there is told, not a bug', async () => {
    const folder = await createCliFolder();
    const { exitCode, stderr } = await folder.run(['merge', 'missing.jsonl']);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('missing.jsonl')]);
  });
});

describe('llmbatch backends', () => {
  test('lists the engines and their options', async () => {
    const folder = await createCliFolder();
    const [text, json] = await Promise.all([folder.run(['backends']), folder.run(['backends', '--json'])]);
    const names = (JSON.parse(json.stdout) as { name: string }[]).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['llama-cpp', 'mock']));
    expect(text.stdout).toContain('--option latency_ms');
  });
});

describe('the environment', () => {
  test('leaves no secret in any file, whatever becomes of the run', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', `${prompts(20)}not JSON\n`);
    const environment = { OPENAI_API_KEY: 'secret-xyz', HF_TOKEN: 'secret-xyz' };
    const outcomes = [
      await folder.run(['run', 'in.jsonl', ...mock('fault_rate=0.3')], { environment }),
      await folder.run(['run', '-', ...mock()], { environment, stdin: prompts(5) }),
      await folder.run(['report', 'in.results.jsonl', '--json'], { environment }),
      await folder.run(['status', '--json'], { environment }),
    ];
    await appendFile(folder.at('in.results.jsonl'), '{"torn');
    outcomes.push(await folder.run(['resume', 'in.results.jsonl'], { environment }));
    for (const { stdout, stderr } of outcomes) expect(stdout + stderr).not.toContain('secret-xyz');
    for (const [path, text] of await folder.everything())
      expect([path, text.includes('secret-xyz')]).toEqual([path, false]);
  });
});
