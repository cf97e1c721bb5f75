import { appendFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { type CliFolder, createCliFolder, mock, prompts, until, countLines } from '../helpers/run-cli.ts';

async function finishedRun(lines = 20): Promise<CliFolder> {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', prompts(lines));
  await folder.run(['run', 'in.jsonl', ...mock()]);
  return folder;
}

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
