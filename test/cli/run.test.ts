import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { answerText } from '../../src/core/completion.ts';
import type { ResultLine } from '../../src/core/result-line.ts';
import { createCliFolder, mock, prompts } from '../helpers/run-cli.ts';

const idsOf = (results: ResultLine[]): string[] => results.map(({ custom_id }) => custom_id);
const textOf = (result: ResultLine | undefined): string =>
  result?.response?.body === undefined ? '' : answerText(result.response.body);

describe('llmbatch run', () => {
  test('answers every line, in the order of the input, and exits 0', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(200));
    const { exitCode, stdout, stderr } = await folder.run([
      'run',
      'in.jsonl',
      ...mock('latency_ms=5', 'latency_jitter=1'),
    ]);
    expect([exitCode, stdout]).toEqual([0, '']);
    expect(stderr).toContain('Finished: 200 requests done');
    const results = await folder.results('in.results.jsonl');
    expect(idsOf(results)).toEqual(Array.from({ length: 200 }, (_, index) => `r${index + 1}`));
    expect(results.map(textOf)[41]).toBe('question 42');
  });

  test('answers every line with --workers auto too', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(20));
    const { exitCode } = await folder.run(['run', 'in.jsonl', ...mock(), '--workers', 'auto']);
    expect([exitCode, (await folder.results('in.results.jsonl')).length]).toEqual([0, 20]);
  });

  test('refuses an empty input, and leaves nothing behind', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', '');
    const { exitCode } = await folder.run(['run', 'in.jsonl', ...mock()]);
    expect([exitCode, await readdir(folder.path)]).toEqual([2, ['in.jsonl']]);
  });

  test('exits 3 when a request fails, and the others are answered', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(20));
    const flags = mock('fault_rate=0.3', 'fault_kinds=bad-request');
    const { exitCode } = await folder.run(['run', 'in.jsonl', '--max-error-rate', '1', ...flags]);
    const results = await folder.results('in.results.jsonl');
    const failed = results.filter(({ error }) => error !== null);
    expect(exitCode).toBe(3);
    expect(results).toHaveLength(20);
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.every(({ response, error }) => response === null && error?.code === 'bad-request')).toBe(true);
  });

  test('exits 4 when the engine is unusable, and what was done stays for the resume', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(200));
    const flags = mock('fault_rate=0.02', 'fault_kinds=unauthorized', 'latency_ms=5');
    const { exitCode, stderr } = await folder.run(['run', 'in.jsonl', ...flags]);
    expect([exitCode, stderr]).toEqual([4, expect.stringContaining('unauthorized')]);
    expect(stderr).toContain(`llmbatch resume ${folder.at('in.results.jsonl')}`);
    expect((await folder.manifest('in.results.jsonl.run.json')).state).toBe('stopped');
    const results = await folder.results('in.results.jsonl');
    expect(results.length).toBeLessThan(200);
    expect(results.every(({ error }) => error === null)).toBe(true);
  });

  test('exits 4 when too many of the last requests failed', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(300));
    const flags = mock('fault_rate=1', 'fault_kinds=bad-request');
    const { exitCode, stderr } = await folder.run(['run', 'in.jsonl', '--max-error-rate', '20%', ...flags]);
    expect([exitCode, stderr]).toEqual([4, expect.stringContaining('--max-error-rate 1')]);
    expect((await folder.results('in.results.jsonl')).length).toBeLessThan(300);
  });

  test('exits 2 for a file that is not there', async () => {
    const folder = await createCliFolder();
    const { exitCode, stdout, stderr } = await folder.run(['run', 'missing.jsonl', ...mock()]);
    expect([exitCode, stdout, stderr]).toEqual([
      2,
      '',
      'Error: no such file: missing.jsonl\nCheck the path; nothing was run.\n',
    ]);
  });

  test('tells its error as one JSON line with --json', async () => {
    const folder = await createCliFolder();
    const { exitCode, stderr } = await folder.run(['run', 'missing.jsonl', '--json', ...mock()]);
    expect(exitCode).toBe(2);
    expect(JSON.parse(stderr)).toEqual({
      schema_version: 1,
      error: {
        type: 'UsageError',
        message: 'no such file: missing.jsonl',
        hint: expect.stringContaining('Check the path'),
        exit_code: 2,
      },
    });
  });

  test('prints its summary as JSON on stdout with --json', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(5));
    const { exitCode, stdout } = await folder.run(['run', 'in.jsonl', '--json', ...mock()]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      state: 'finished',
      output: folder.at('in.results.jsonl'),
      done: 5,
      failed: 0,
    });
  });

  test('takes the bundled model without any flag', async () => {
    const folder = await createCliFolder();
    const messages = [
      { role: 'system', content: 'Score the candidate from 0 to 100. Required: python, sql, java' },
      { role: 'user', content: 'Candidate: Moroli, skills: python, 20 years' },
    ];
    await folder.write('in.jsonl', JSON.stringify({ id: 'a', model: 'tiny-scorer', messages, max_tokens: 64 }));
    const { exitCode, stderr } = await folder.run(['run', 'in.jsonl']);
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('llama-cpp on CPU, tiny-scorer, 8 workers')]);
    const [result] = await folder.results('in.results.jsonl');
    expect(JSON.parse(textOf(result))).toEqual({ matched: ['python'], score: 60, verdict: 'maybe' });
  });

  test('says what to install or to name when no engine serves the model', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', '{"prompt":"Hi","model":"nobody-has-this"}\n');
    const { exitCode, stderr } = await folder.run(['run', 'in.jsonl']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('no engine here serves the model "nobody-has-this"');
    const [, ...looked] = stderr.split('\n').map((line) => line.trim());
    expect(looked.map((line) => line.split(' ')[0])).toEqual(['llama-cpp', 'ollama', 'openai', 'vllm', 'See', '']);
    expect(looked[1]).toMatch(/^ollama has no server at http/);
  });

  test('tells of a key that seems to be misspelt, and keeps it as data', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', '{"prompt":"a"}\n{"prompt":"b","temprature":1}\n');
    const { stderr } = await folder.run(['run', 'in.jsonl', ...mock()]);
    expect(stderr).toContain('"temprature" is not a key of a request (first on line 2): did you mean "temperature"?');
    expect((await folder.results('in.results.jsonl'))[1]?.llmbatch?.row).toEqual({ temprature: 1 });
  });

  test('says where the file lies that a misspelt name, or one without its ending, can mean', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(1));
    await folder.write('smol.gguf', 'GGUF');
    const typo = await folder.run(['run', 'in.jsonl', '-m', 'smoll.gguf']);
    const short = await folder.run(['run', 'in.jsonl', '-m', 'smol', '--dry-run']);
    const far = await folder.run(['run', 'in.jsonl', '-m', 'other/gemma.gguf']);
    expect([typo.exitCode, typo.stderr]).toEqual([
      2,
      expect.stringContaining('there is no model file smoll.gguf\nDid you mean smol.gguf?'),
    ]);
    expect([short.exitCode, short.stderr]).toEqual([2, expect.stringContaining('takes a GGUF file: -m smol.gguf')]);
    expect([far.exitCode, far.stderr]).toEqual([2, expect.stringContaining('no model file other/gemma.gguf')]);
    expect(await readdir(folder.path)).toEqual(['in.jsonl', 'smol.gguf']);
  });

  test('suggests the near name for a backend, an option and a flag that do not exist', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(1));
    const [backend, option, flag] = await Promise.all([
      folder.run(['run', 'in.jsonl', '-b', 'mok', '-m', 'mock']),
      folder.run(['run', 'in.jsonl', ...mock('latncy_ms=4')]),
      folder.run(['run', 'in.jsonl', '--worker', '4']),
    ]);
    expect([backend.exitCode, option.exitCode, flag.exitCode]).toEqual([2, 2, 2]);
    expect(backend.stderr).toContain('Did you mean mock?');
    expect(option.stderr).toContain('Did you mean latency_ms?');
    expect(flag.stderr).toContain('(Did you mean --workers?)');
  });

  test('runs several inputs one after the other, the higher priority first', async () => {
    const folder = await createCliFolder();
    await Promise.all(['a', 'b', 'c'].map((name) => folder.write(`${name}.jsonl`, prompts(3))));
    const inputs = ['a.jsonl', 'b.jsonl', 'c.jsonl'];
    const priority = ['--priority', 'c.jsonl=2', '--priority', 'b.jsonl=-1'];
    const { exitCode, stdout } = await folder.run(['run', ...inputs, ...priority, '--json', ...mock()]);
    expect(exitCode).toBe(0);
    const outputs = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { output: string }).output);
    expect(outputs).toEqual(['c', 'a', 'b'].map((name) => folder.at(`${name}.results.jsonl`)));
  });

  test('refuses what would mix outputs', async () => {
    const folder = await createCliFolder();
    await folder.write('a.jsonl', prompts(1));
    await folder.write('b.jsonl', prompts(1));
    const refused = await Promise.all([
      folder.run(['run', 'a.jsonl', 'b.jsonl', '-o', 'x.jsonl', ...mock()]),
      folder.run(['run', 'a.jsonl', 'a.jsonl', ...mock()]),
      folder.run(['run', 'a.jsonl', '-', ...mock()]),
      folder.run(['run', '-', '--json', ...mock()]),
      folder.run(['run', 'a.jsonl', '--priority', 'z.jsonl=1', ...mock()]),
    ]);
    expect(refused.map(({ exitCode }) => exitCode)).toEqual([2, 2, 2, 2, 2]);
  });

  test('takes only the first lines with --limit, and the same random ones with --sample', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(100));
    await Promise.all([
      folder.run(['run', 'in.jsonl', '-o', 'limit.jsonl', '--limit', '3', ...mock()]),
      folder.run(['run', 'in.jsonl', '-o', 'one.jsonl', '--sample', '10', ...mock()]),
      folder.run(['run', 'in.jsonl', '-o', 'two.jsonl', '--sample', '10', ...mock()]),
    ]);
    const sampled = idsOf(await folder.results('one.jsonl'));
    expect(idsOf(await folder.results('limit.jsonl'))).toEqual(['r1', 'r2', 'r3']);
    expect(sampled).toHaveLength(10);
    expect(idsOf(await folder.results('two.jsonl'))).toEqual(sampled);
  });

  test('makes a failed result of each bad line, and with --strict exits 2 before anything is sent', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', `${prompts(2)}not JSON\n{"id":"r1","prompt":"again"}\n`);
    const lenient = await folder.run(['run', 'in.jsonl', ...mock()]);
    const strict = await folder.run(['run', 'in.jsonl', '-o', 'strict.jsonl', '--strict', ...mock()]);
    expect([lenient.exitCode, strict.exitCode]).toEqual([3, 2]);
    const results = await folder.results('in.results.jsonl');
    expect(idsOf(results)).toEqual(['r1', 'r2', 'line-3', 'line-4']);
    expect(results.map(({ error }) => error?.code)).toEqual([undefined, undefined, 'input', 'input']);
    expect(strict.stderr).toContain('2 of 4 lines are not valid requests (--strict)');
    await expect(folder.text('strict.jsonl')).rejects.toThrow('ENOENT');
  });

  test('shows the first request with --dry-run, and leaves nothing behind', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(3));
    const { exitCode, stdout } = await folder.run([
      'run',
      'in.jsonl',
      '--dry-run',
      '--json',
      '--system',
      'Be brief.',
      ...mock(),
    ]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      requests: 3,
      backend: { name: 'mock' },
      first_request: { id: 'r1', body: { messages: [{ role: 'system', content: 'Be brief.' }, { role: 'user' }] } },
    });
    await expect(folder.text('in.results.jsonl')).rejects.toThrow('ENOENT');
    await expect(folder.text('in.results.jsonl.run.json')).rejects.toThrow('ENOENT');
    const text = await folder.run(['run', 'in.jsonl', '--dry-run', ...mock('latency_ms=5', 'seed=2')]);
    expect(text.stdout).toContain('\noptions  latency_ms=5, seed=2\n');
    expect(text.stdout).toContain('\nworkers  auto (the engine says how many when it is open; ');
  });

  test('fills a template from the rows of a CSV and keeps the rest of the row', async () => {
    const folder = await createCliFolder();
    await folder.write('people.csv', 'id,name,city\n1,Moroli,"Lima, Peru"\n2,Müller,Zürich\n');
    const template = ['--prompt-template', '{{name}} of {{city}}'];
    const { exitCode } = await folder.run(['run', 'people.csv', ...template, ...mock()]);
    expect(exitCode).toBe(0);
    const results = await folder.results('people.results.jsonl');
    expect(idsOf(results)).toEqual(['1', '2']);
    expect(results.map(textOf)).toEqual(['Moroli of Lima, Peru', 'Müller of Zürich']);
  });

  test('reads a system prompt from a file, and the answer is parsed against the schema', async () => {
    const folder = await createCliFolder();
    await folder.write('rubric.txt', 'Score from 0 to 100. Required: python, sql, java');
    await folder.write(
      'schema.json',
      JSON.stringify({ type: 'object', required: ['score'], properties: { score: { maximum: 50 } } }),
    );
    const candidates = ['python, 1 years', 'python, sql, 9 years'];
    await folder.write(
      'in.jsonl',
      candidates.map((text) => `${JSON.stringify({ prompt: `Candidate: ${text}` })}\n`).join(''),
    );
    const flags = ['--system', '@rubric.txt', '--schema', 'schema.json', ...mock('answer=score')];
    const { exitCode } = await folder.run(['run', 'in.jsonl', ...flags]);
    expect(exitCode).toBe(3);
    const [low, high] = await folder.results('in.results.jsonl');
    expect(low?.llmbatch.parsed).toEqual({ matched: ['python'], score: 24, verdict: 'reject' });
    expect(high?.error).toMatchObject({ code: 'schema-invalid', message: expect.stringContaining('/score') });
    expect(high?.llmbatch.rejected?.content).toContain('"score":76');
  });

  test('refuses a schema that is none', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(1));
    await folder.write('bad.json', '{"type":"no-such-type"}');
    await folder.write('text.json', 'not JSON');
    const files = ['bad.json', 'text.json', 'missing.json'];
    const refused = await Promise.all(
      files.map((file) => folder.run(['run', 'in.jsonl', '--schema', file, ...mock()])),
    );
    for (const { exitCode, stderr } of refused)
      expect([exitCode, stderr]).toEqual([2, expect.stringContaining('--schema')]);
  });

  test('never counts an answer that was cut as a success, unless asked to', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', '{"prompt":"one two three four","max_tokens":2}\n');
    const cut = await folder.run(['run', 'in.jsonl', ...mock()]);
    const allowed = await folder.run(['run', 'in.jsonl', '-o', 'cut.jsonl', '--allow-truncated', ...mock()]);
    expect([cut.exitCode, allowed.exitCode]).toEqual([3, 0]);
    const [refused] = await folder.results('in.results.jsonl');
    expect(refused?.error?.code).toBe('truncated');
    expect(refused?.llmbatch.rejected).toEqual({ content: 'one two', finish_reason: 'length' });
  });

  test('tries transient failures again until they succeed', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(30));
    const flags = mock('fault_rate=0.5', 'fault_attempts=1', 'fault_kinds=rate-limited,crash');
    const { exitCode } = await folder.run(['run', 'in.jsonl', ...flags]);
    const attempts = (await folder.results('in.results.jsonl')).map(({ llmbatch }) => llmbatch.attempts);
    expect(exitCode).toBe(0);
    expect(new Set(attempts)).toEqual(new Set([1, 2]));
  });

  test('keeps the completion order when asked to', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(40));
    const flags = ['--order', 'completion', '--workers', '8', ...mock('latency_ms=20', 'latency_jitter=1')];
    await folder.run(['run', 'in.jsonl', ...flags]);
    const ids = idsOf(await folder.results('in.results.jsonl'));
    expect(ids).toHaveLength(40);
    expect(ids).not.toEqual(Array.from({ length: 40 }, (_, index) => `r${index + 1}`));
  });

  test('reports progress as JSON lines on stderr', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(5));
    const { stderr } = await folder.run(['run', 'in.jsonl', ...mock(), '--progress', 'json']);
    const frames = stderr.split('\n').filter((line) => line.includes('"final"'));
    expect(frames.map((line) => JSON.parse(line) as object).at(-1)).toMatchObject({ final: true, total: 5, done: 5 });
  });
});
