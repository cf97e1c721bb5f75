import { once } from 'node:events';
import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { echoBackend } from '../examples/echo-backend.ts';
import {
  type BackendDefinition,
  type ResultLine,
  UsageError,
  answerOf,
  backends,
  readResults,
  runBatch,
} from '../src/index.ts';
import { scratchFolder } from './helpers/scratch-folder.ts';

/** A folder with an input of three prompts, and a state folder of its own. */
async function createFolder(): Promise<{ input: string; output: string }> {
  const folder = await scratchFolder();
  const before = process.env['XDG_STATE_HOME'];
  process.env['XDG_STATE_HOME'] = join(folder, 'state');
  onTestFinished(() => {
    if (before === undefined) delete process.env['XDG_STATE_HOME'];
    else process.env['XDG_STATE_HOME'] = before;
  });
  const input = join(folder, 'in.jsonl');
  const lines = ['a', 'b', 'c'].map((id) => `${JSON.stringify({ id, prompt: `question ${id}` })}\n`);
  await writeFile(input, lines.join(''));
  return { input, output: join(folder, 'out.jsonl') };
}

/** The echo engine, which answers the first request and holds back all others until the signal. */
const heldBack = (until: AbortSignal): BackendDefinition => ({
  ...echoBackend,
  async open(request) {
    const backend = await echoBackend.open(request);
    return {
      ...backend,
      async generate(sent, context) {
        if (sent.id !== 'a' && !until.aborted) await once(until, 'abort');
        return backend.generate(sent, context);
      },
    };
  },
});

const idsOf = (lines: readonly ResultLine[]): string[] => lines.map(({ custom_id }) => custom_id);

test('the library runs a file on an engine of the caller, and goes on where it stopped', async () => {
  const { input, output } = await createFolder();
  const stop = new AbortController();
  const seen: ResultLine[] = [];
  const options = {
    input,
    output,
    settings: { model: 'echo' },
    runner: { workers: 1, connections: [{ echoHost: 'valley:7' }] },
    backends: [...backends, heldBack(stop.signal)],
    onResult(line: ResultLine): void {
      seen.push(line);
      stop.abort();
    },
  };
  expect((await runBatch({ ...options, signal: stop.signal })).state).toBe('stopped');
  expect(seen.length).toBeLessThan(3);
  expect(await runBatch(options)).toMatchObject({ state: 'finished', output });
  expect(idsOf(seen)).toEqual(['a', 'b', 'c']);
  const kept: ResultLine[] = [];
  for await (const line of readResults(output)) kept.push(line);
  expect(kept).toEqual(seen);
});

test('the library refuses an address with a secret, also of another engine than the one that runs', async () => {
  const { input, output } = await createFolder();
  const runner = { connections: [{ host: 'me:hush@example.com' }] };
  const run = runBatch({ input, output, settings: { backend: 'mock', model: 'mock' }, runner });
  await expect(run).rejects.toBeInstanceOf(UsageError);
  await expect(run).rejects.not.toThrow('hush');
  await expect(access(`${output}.run.json`)).rejects.toThrow('ENOENT');
});

test('the library answers a part of an input, to a file of its own', async () => {
  const { input } = await createFolder();
  const ids: string[] = [];
  for (const index of [1, 2]) {
    const { output } = await runBatch({
      input,
      shard: { index, count: 2 },
      settings: { backend: 'mock', model: 'mock' },
    });
    expect(output).toBe(input.replace('.jsonl', `.results.${index}-of-2.jsonl`));
    for await (const line of readResults(output)) ids.push(line.custom_id);
  }
  expect(ids.toSorted()).toEqual(['a', 'b', 'c']);
});

test('the answer of a result is its text, and null where there is none', async () => {
  const { output } = await createFolder();
  const input = `${output}.in.jsonl`;
  const requests = [
    { id: 'chat', prompt: 'Hi' },
    { custom_id: 'completion', method: 'POST', url: '/v1/completions', body: { prompt: 'Once' } },
    { custom_id: 'vector', method: 'POST', url: '/v1/embeddings', body: { input: 'a' } },
    { id: 'bad' },
  ];
  await writeFile(input, requests.map((request) => `${JSON.stringify(request)}\n`).join(''));
  const answers: [string, string | null][] = [];
  const settings = { backend: 'mock', model: 'mock' };
  await runBatch({ input, output, settings, onResult: (line) => answers.push([line.custom_id, answerOf(line)]) });
  expect(Object.fromEntries(answers)).toEqual({ chat: 'Hi', completion: 'Once', vector: null, bad: null });
});
