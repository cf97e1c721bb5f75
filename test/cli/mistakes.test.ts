import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { countLines, createCliFolder, mock, prompts, until } from '../helpers/run-cli.ts';

const named = (prefix: string, count: number, model: string): string =>
  Array.from({ length: count }, (_, index) => {
    const request = { id: `${prefix}${index}`, prompt: `say ${index}`, model };
    return `${JSON.stringify(request)}\n`;
  }).join('');

describe("a mistake of the user's", () => {
  test('before the first answer leaves nothing behind, and takes nothing away', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(3));
    await folder.write('out.jsonl.run.input', 'precious');
    const before = await readdir(folder.path);
    const { exitCode } = await folder.run(['run', 'in.jsonl', '-o', 'out.jsonl', '-m', 'no-such-model']);
    expect(exitCode).toBe(2);
    expect(await readdir(folder.path)).toEqual(before);
    await folder.run(['run', 'in.jsonl', '-o', 'out.jsonl', '--overwrite', ...mock()]);
    expect(await folder.text('out.jsonl.run.input')).toBe('precious');
  });

  test('leaves nothing behind though bad lines of the input were recorded before it', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', `{"id":"no prompt"}\n${prompts(1)}`);
    const wrong = await folder.run(['run', 'in.jsonl', '-m', 'no-such-model']);
    expect([wrong.exitCode, await readdir(folder.path)]).toEqual([2, ['in.jsonl']]);
    const right = await folder.run(['run', 'in.jsonl', ...mock()]);
    expect([right.exitCode, (await folder.results('in.results.jsonl')).length]).toEqual([3, 2]);
  });

  test('does not bind the right command that comes after it', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(3));
    const wrong = await folder.run(['run', 'in.jsonl']);
    expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringContaining('line 1: no model')]);
    expect((await folder.run(['run', 'in.jsonl', ...mock()])).exitCode).toBe(0);
  });

  test('of two inputs for one output is told before anything runs', async () => {
    const folder = await createCliFolder();
    await folder.write('a.jsonl', prompts(2));
    await folder.write('a.ndjson', prompts(2));
    const { exitCode, stderr } = await folder.run(['run', 'a.jsonl', 'a.ndjson', ...mock()]);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('two inputs would be written to')]);
    expect((await readdir(folder.path)).toSorted()).toEqual(['a.jsonl', 'a.ndjson']);
  });

  test('of a flag that is for another engine, or against another flag, is told', async () => {
    const folder = await createCliFolder();
    await folder.write('a.jsonl', prompts(2));
    const told = await Promise.all([
      folder.run(['run', 'a.jsonl', ...mock(), '--python', 'python3']),
      folder.run(['bench', 'a.jsonl', ...mock(), '--base-url', 'http://127.0.0.1:1/v1']),
      folder.run(['run', 'a.jsonl', ...mock(), '--estimate', '--dry-run']),
    ]);
    expect(told.map(({ exitCode, stderr }) => [exitCode, stderr.split('\n')[0]])).toEqual([
      [2, expect.stringContaining('--python is a flag of vllm, but -b names mock')],
      [2, expect.stringContaining('--base-url is a flag of openai, but -b names mock')],
      [2, expect.stringContaining('--dry-run sends nothing, and --estimate does')],
    ]);
    expect(await readdir(folder.path)).toEqual(['a.jsonl']);
  });

  test('of a missing input at the end of a queue is told before anything runs', async () => {
    const folder = await createCliFolder();
    await folder.write('a.jsonl', prompts(2));
    const { exitCode } = await folder.run(['run', 'a.jsonl', 'missing.jsonl', ...mock()]);
    expect([exitCode, await readdir(folder.path)]).toEqual([2, ['a.jsonl']]);
  });

  test('in a line can be mended, and the line runs on resume', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', `${JSON.stringify({ id: 'a', prompt: 5 })}\n${prompts(1)}`);
    expect((await folder.run(['run', 'in.jsonl', ...mock()])).exitCode).toBe(3);
    await folder.write('in.jsonl', `${JSON.stringify({ id: 'a', prompt: 'five' })}\n${prompts(1)}`);
    const resumed = await folder.run(['resume', 'in.results.jsonl', '--allow-drift', '--progress', 'none']);
    expect([resumed.exitCode, (await folder.results('in.results.jsonl')).map(({ error }) => error)]).toEqual([
      0,
      [null, null],
    ]);
  });
});

describe('a run that is started again', () => {
  test('from a pipe pays for nothing twice, however slowly the pipe speaks', async () => {
    const folder = await createCliFolder();
    const lines = prompts(20);
    await folder.run(['run', '-', '-o', 'out.jsonl', ...mock()], { stdin: lines });
    const first = await folder.text('out.jsonl');
    const again = folder.start(['run', '-', '-o', 'out.jsonl', ...mock()], { stdin: null });
    again.child.stdin?.write(lines.slice(0, 100));
    await until(async () => (await folder.everything()).some(([path]) => path.endsWith('.lock')));
    again.child.stdin?.end(lines.slice(100));
    expect((await again.outcome).exitCode).toBe(0);
    expect(await folder.text('out.jsonl')).toBe(first);
  });

  test('with a larger limit takes up the rest', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(10));
    await folder.run(['run', 'in.jsonl', '--limit', '3', ...mock()]);
    const kept = await folder.text('in.results.jsonl');
    expect((await folder.run(['run', 'in.jsonl', ...mock()])).exitCode).toBe(0);
    expect(await countLines(folder.at('in.results.jsonl'))).toBe(10);
    expect(await folder.text('in.results.jsonl')).toContain(kept);
  });
});

describe('the numbers', () => {
  test('of a file that names two models are those of both', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', named('a', 4, 'mock:a') + named('b', 2, 'mock:b'));
    const run = ['run', 'in.jsonl', '--json', '--progress', 'none', '--option', 'latency_ms=200', '--workers', '1'];
    const summary = JSON.parse((await folder.run(run)).stdout) as {
      elapsed_seconds: number;
      latency_ms: { count: number };
    };
    expect(summary.latency_ms.count).toBe(6);
    expect(summary.elapsed_seconds).toBeGreaterThan(1.1);
    expect((await folder.run(['report', 'in.results.jsonl'])).stdout).toContain('mock:a, mock:b');
  });

  test('of a killed run are counted from its output', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(300));
    const run = folder.start(['run', 'in.jsonl', ...mock('latency_ms=20', 'slots=4')]);
    await until(async () => (await countLines(folder.at('in.results.jsonl'))) > 0);
    run.child.kill('SIGKILL');
    await run.outcome;
    const status = JSON.parse((await folder.run(['status', '--json'])).stdout) as Record<string, unknown>;
    expect(status).toMatchObject({
      state: 'stopped',
      done: await countLines(folder.at('in.results.jsonl')),
      total: 300,
    });
  });
});
