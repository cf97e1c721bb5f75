import { once } from 'node:events';
import { readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type CliFolder, countLines, createCliFolder, mock, prompts, until } from '../helpers/run-cli.ts';

const output = 'in.results.jsonl';

/** A finished run of ten requests, with their answers of then. */
async function finishedRun(): Promise<CliFolder & { before: string }> {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', prompts(10));
  await folder.run(['run', 'in.jsonl', ...mock('answer=text:old')]);
  return { ...folder, before: await folder.text(output) };
}

const answers = async (folder: CliFolder, name = output): Promise<unknown[]> =>
  (await folder.results(name)).map(({ response }) => response?.body.choices?.[0]?.message?.content);
const idsIn = async (folder: CliFolder): Promise<string[]> =>
  (await folder.results(output)).map(({ custom_id }) => custom_id);
const ids = Array.from({ length: 10 }, (_, index) => `r${index + 1}`);

const mistakes: [name: string, words: string[]][] = [
  ['a model file that is not there', ['run', 'in.jsonl', '-m', 'smoll.gguf']],
  ['a model that no engine serves', ['run', 'in.jsonl', '-m', 'smol']],
  ['a server without its address', ['run', 'in.jsonl', '-b', 'openai', '-m', 'm']],
  ['a server that is not there', ['run', 'in.jsonl', '-b', 'openai', '-m', 'm', '--base-url', 'http://127.0.0.1:9/v1']],
  ['a field that is not there', ['run', 'in.jsonl', ...mock(), '--prompt-template', '{{nofield}}']],
  ['an input of another kind', ['run', 'rows.jsonl', '-o', output, ...mock()]],
  ['an input that is not there', ['run', 'none.jsonl', '-o', output, ...mock()]],
  ['a bad line and --strict', ['run', 'bad.jsonl', '-o', output, '--strict', ...mock()]],
  ['an option that there is not', ['run', 'in.jsonl', ...mock('latency=5')]],
];

describe('--overwrite', () => {
  test.each(mistakes)('with %s leaves the old results as they are', async (_name, words) => {
    const folder = await finishedRun();
    await folder.write('rows.jsonl', '{"name":"Ann"}\n');
    await folder.write('bad.jsonl', `${prompts(2)}not JSON\n`);
    const files = await readdir(folder.path);
    const { exitCode } = await folder.run([...words, '--overwrite', '--progress', 'none']);
    expect([2, 4]).toContain(exitCode);
    expect(await folder.text(output)).toBe(folder.before);
    expect((await readdir(folder.path)).filter((name) => !name.endsWith('.engine.log'))).toEqual(files);
    expect((await folder.run(['resume', output, '--progress', 'none'])).exitCode).toBe(0);
  });

  test('replaces them once the new run has ended well', async () => {
    const folder = await finishedRun();
    const { exitCode, stderr } = await folder.run(['run', 'in.jsonl', ...mock('answer=text:new'), '--overwrite']);
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining(`is kept as ${output}.old until`)]);
    expect(await answers(folder)).toEqual(Array(10).fill('new'));
    expect(await readdir(folder.path)).toEqual(['in.jsonl', output, `${output}.run.json`]);
  });

  test('keeps them where requests failed, says so, and removes them when a later try ends well', async () => {
    const folder = await finishedRun();
    const faults = mock('fault_rate=0.5', 'fault_attempts=1', 'fault_kinds=server-error');
    const words = ['run', 'in.jsonl', ...faults, '--retries', '0', '--max-error-rate', '1', '--overwrite'];
    const { exitCode, stderr } = await folder.run(words);
    expect([exitCode, stderr]).toEqual([3, expect.stringContaining(`is still kept: ${output}.old`)]);
    expect(await folder.text(`${output}.old`)).toBe(folder.before);
    expect((await folder.run(['status', `${output}.old`])).stdout).toContain('10 requests done');
    expect((await folder.run(['resume', output, '--retries', '3', '--progress', 'none'])).exitCode).toBe(0);
    expect(await readdir(folder.path)).not.toContain(`${output}.old`);
  });

  test('ended while its engine loads leaves all as it was, and does not speak of a resume', async () => {
    const folder = await finishedRun();
    const run = folder.start(['run', 'in.jsonl', ...mock('load_ms=600000'), '--overwrite']);
    await until(async () => (await readdir(folder.path)).includes(`${output}.lock`));
    run.child.kill('SIGINT');
    const { exitCode, stderr } = await run.outcome;
    expect([exitCode, stderr]).toEqual([130, expect.stringContaining('the same command again')]);
    expect(stderr).not.toContain('llmbatch resume');
    expect(await folder.text(output)).toBe(folder.before);
  });

  test('with an engine that is not there does not speak of a resume', async () => {
    const folder = await finishedRun();
    const server = createServer((_, response) => response.writeHead(401).end('{}')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    const words = ['run', 'in.jsonl', '-b', 'openai', '-m', 'x', '--base-url', url, '--overwrite'];
    const { exitCode, stderr } = await folder.run(words);
    expect([exitCode, stderr]).toEqual([4, expect.not.stringContaining('llmbatch resume')]);
    expect(await folder.text(output)).toBe(folder.before);
  });

  test('of standard input keeps the old input with the old results', async () => {
    const folder = await createCliFolder();
    const words = ['run', '-', '-o', output, ...mock('answer=text:old')];
    await folder.run(words, { stdin: prompts(10) });
    const wrong = await folder.run(['run', '-', '-o', output, '-m', 'smol', '--overwrite'], { stdin: prompts(3, 20) });
    expect([wrong.exitCode, await folder.text(`${output}.run.input`)]).toEqual([2, prompts(10)]);
    const again = await folder.run([...words, '--overwrite'], { stdin: prompts(3, 20) });
    expect([again.exitCode, await folder.text(`${output}.run.input`)]).toEqual([0, prompts(3, 20)]);
    expect((await readdir(folder.path)).toSorted()).toEqual([output, `${output}.run.input`, `${output}.run.json`]);
  });

  test('replaces a file that no run wrote, in the same way', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(3));
    await folder.write('notes.jsonl', 'my notes\n');
    const wrong = await folder.run(['run', 'in.jsonl', '-o', 'notes.jsonl', '-m', 'smol', '--overwrite']);
    expect([wrong.exitCode, await folder.text('notes.jsonl')]).toEqual([2, 'my notes\n']);
    const right = await folder.run(['run', 'in.jsonl', '-o', 'notes.jsonl', ...mock(), '--overwrite']);
    expect([right.exitCode, await countLines(folder.at('notes.jsonl'))]).toEqual([0, 3]);
  });
});

/** As it was before the first answer: no manifest tells of one. */
async function loseOutput(folder: CliFolder): Promise<void> {
  await rm(folder.at(output));
  const manifest = JSON.parse(await folder.text(`${output}.run.json`)) as object;
  await folder.write(`${output}.run.json`, JSON.stringify({ ...manifest, summary: null }));
}

describe('a replacing run that was killed', () => {
  /** Killed at its first answer, with the old results aside. */
  async function killedRun(): Promise<CliFolder & { before: string }> {
    const folder = await finishedRun();
    const slow = mock('answer=text:new', 'latency_ms=100', 'slots=1');
    const run = folder.start(['run', 'in.jsonl', ...slow, '--overwrite']);
    await until(async () => (await readdir(folder.path)).includes(`${output}.old`));
    await until(async () => (await countLines(folder.at(output))) > 0);
    run.child.kill('SIGKILL');
    await run.outcome;
    expect(await folder.text(`${output}.old`)).toBe(folder.before);
    return folder;
  }

  test.each([
    ['after an answer', async (): Promise<void> => {}],
    ['before its first answer', (folder: CliFolder): Promise<void> => truncate(folder.at(output), 0)],
    ['before its output was there', loseOutput],
    ['in the midst of a draft', (folder: CliFolder): Promise<void> => folder.write(draft, '{')],
  ])('%s goes on by resume, and then the old results go', async (_name, step) => {
    const folder = await killedRun();
    await step(folder);
    const { exitCode } = await folder.run(['resume', output, '--progress', 'none']);
    expect([exitCode, await idsIn(folder), await answers(folder)]).toEqual([0, ids, Array(10).fill('new')]);
    expect(await readdir(folder.path)).toEqual(['in.jsonl', output, `${output}.run.json`]);
  });

  test('and is replaced itself keeps both, until one ends well', async () => {
    const folder = await killedRun();
    const wrong = await folder.run(['run', 'in.jsonl', '-m', 'smol', '--overwrite']);
    expect([wrong.exitCode, await folder.text(`${output}.old`)]).toEqual([2, folder.before]);
    const newer = mock('answer=text:newer', 'fault_rate=1', 'fault_kinds=bad-request');
    const failed = await folder.run(['run', 'in.jsonl', ...newer, '--max-error-rate', '1', '--overwrite']);
    expect([failed.exitCode, await folder.text(`${output}.old`)]).toEqual([3, folder.before]);
    expect(await countLines(folder.at(`${output}.old.2`))).toBeGreaterThan(0);
    const last = await folder.run(['run', 'in.jsonl', ...mock('answer=text:last'), '--overwrite']);
    expect([last.exitCode, await answers(folder)]).toEqual([0, Array(10).fill('last')]);
    expect(await readdir(folder.path)).toEqual(['in.jsonl', output, `${output}.run.json`]);
  });
});

const draft = `${output}.run.json.draft-4b8c2a1e-0000-4000-8000-0123456789ab`;

describe('another setting or model', () => {
  test('is told after the input and the model were looked at, with another name before --overwrite', async () => {
    const folder = await finishedRun();
    const typo = await folder.run(['run', 'in.jsonl', '-m', 'smoll.gguf']);
    expect([typo.exitCode, typo.stderr]).toEqual([2, expect.stringContaining('there is no model file')]);
    expect(typo.stderr).not.toContain('--overwrite');
    await writeFile(folder.at('in.results.2.jsonl'), '');
    const other = await folder.run(['run', 'in.jsonl', '--max-tokens', '40', ...mock('answer=text:old')]);
    expect([other.exitCode, other.stderr]).toEqual([5, expect.stringContaining('--max-tokens default → 40')]);
    expect(other.stderr).toMatch(/-o \S*in\.results\.3\.jsonl.*--overwrite/);
    expect(await folder.text(output)).toBe(folder.before);
  });
});
