import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { startChild } from '../../../src/backends/subprocess/start-child.ts';
import { startWorkerProcess, type WorkerProcess } from '../../../src/backends/subprocess/worker-process.ts';
import type { Answer } from '../../../src/core/completion.ts';
import { context, isAlive } from '../conformance.ts';

const worker = fileURLToPath(new URL('echo-worker.mjs', import.meta.url));
const opened: WorkerProcess<{ name: string }>[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((process) => process.close()));
});

async function start(
  settings: object = {},
  {
    signal = new AbortController().signal,
    restarts = [] as string[],
    environment = globalThis.process.env as Record<string, string>,
  } = {},
) {
  const process = await startWorkerProcess<{ name: string }>(
    {
      name: 'echo',
      connect: () => startChild({ file: globalThis.process.execPath, arguments: [worker], environment }),
      settings: () => ({ name: 'echo', ...settings }),
    },
    { signal, onRestart: (reason) => restarts.push(reason) },
  );
  opened.push(process);
  return process;
}

let asked = 0;
const ask = (process: WorkerProcess<unknown>, prompt: string, changes = {}): Promise<Answer> =>
  process.generate(
    { id: `${prompt} ${++asked}`, line: 1, endpoint: '/v1/completions', body: { model: 'm', prompt } },
    context(changes),
  );

const echo = (prompt: string): object => ({ status: 'completed', body: { prompt } });

describe('a worker process', () => {
  test('says what it is, and answers each request with its own answer', async () => {
    const process = await start({ name: 'parrot' });
    expect(process.info).toEqual({ name: 'parrot' });
    const prompts = Array.from({ length: 100 }, (_, index) => `prompt ${index}\n\u{2028}`);
    expect(await Promise.all(prompts.map((prompt) => ask(process, prompt)))).toEqual(prompts.map(echo));
  });

  test('says nothing of the secrets that its variables hold', async () => {
    const secret = 'abcd-0123-efgh';
    const process = await start({}, { environment: { ...globalThis.process.env, ECHO_TOKEN: secret } });
    expect(await ask(process, 'leak')).toMatchObject({ status: 'failed', message: '401 for [key]' });
    // An answer is what the model said, whatever that is.
    expect(await ask(process, secret)).toEqual(echo(secret));
  });

  test('passes signs of life on', async () => {
    const seen: string[] = [];
    const process = await start();
    await ask(process, 'a', { onActivity: () => seen.push('activity'), onFirstToken: () => seen.push('first') });
    expect(seen).toEqual(['activity', 'activity', 'first']);
  });

  test('tells of a request in work what came since the last time', async () => {
    const process = await start();
    const stop = new AbortController();
    const told: unknown[] = [];
    let tokens = 0;
    const onToken = (count = 1): void => {
      told.push(count);
      tokens += count;
      if (tokens === 5) stop.abort(new Error('enough'));
    };
    const onPrompt = (computed: number, cached: number): void => void told.push({ computed, cached });
    await expect(ask(process, 'count', { signal: stop.signal, onToken, onPrompt })).rejects.toThrow('enough');
    await ask(process, 'again', { onToken });
    expect(told).toEqual([1, { computed: 10, cached: 2 }, 2, 2, 1]);
  });

  test.each(['crash', 'exit', 'garbage'])(
    'fails what it had when it ends by %s, and is started again',
    async (fault) => {
      const restarts: string[] = [];
      const process = await start({}, { restarts });
      const [hanging, faulty] = await Promise.all([ask(process, 'hang'), ask(process, fault)]);
      for (const answer of [hanging, faulty])
        expect(answer).toMatchObject({ status: 'failed', kind: 'engine-crashed' });
      expect(await ask(process, 'again')).toEqual(echo('again'));
      expect(restarts).toHaveLength(1);
      expect(restarts[0]).toMatch(/^The echo process [^\n]*[^:.]\.$/);
    },
  );

  test('shows how it ended and what it printed last', async () => {
    const process = await start();
    const answer = await ask(process, 'exit');
    expect(answer.status === 'failed' && answer.message).toMatch(
      /ended with code 1 \(Error: about to fail\)\..*about to fail/s,
    );
    expect(process.pid()).toBe(null);
    const killed = await ask(process, 'crash');
    expect(killed.status === 'failed' && killed.message).toContain('was ended by SIGABRT');
  });

  test('is given up after five crashes without an answer between them', async () => {
    const process = await start();
    const crash = async (times: number): Promise<(string | null)[]> => {
      const kinds: (string | null)[] = [];
      for (let time = 0; time < times; time++) {
        const answer = await ask(process, 'exit');
        kinds.push(answer.status === 'failed' ? answer.kind : null);
      }
      return kinds;
    };
    expect(new Set(await crash(4))).toEqual(new Set(['engine-crashed']));
    expect(await ask(process, 'well')).toEqual(echo('well'));
    expect(await crash(6)).toEqual([...Array.from({ length: 5 }, () => 'engine-crashed'), 'unusable']);
    expect(await ask(process, 'well')).toMatchObject({ kind: 'unusable' });
  });

  test('is replaced by a restart when it hangs', async () => {
    const process = await start();
    const hanging = ask(process, 'hang');
    await process.restart();
    const answer = await hanging;
    expect(answer).toMatchObject({ kind: 'engine-crashed' });
    expect(answer.status === 'failed' && answer.message).toContain('no sign of life');
    expect(await ask(process, 'again')).toEqual(echo('again'));
  });

  test('does not wait for a grandchild that keeps its pipes open', async () => {
    const process = await start();
    const answer = await ask(process, 'orphan');
    expect(answer).toMatchObject({ kind: 'engine-crashed' });
    const grandchild = Number(/grandchild (\d+)/.exec(answer.status === 'failed' ? answer.message : '')?.[1]);
    expect(isAlive(grandchild)).toBe(true);
    globalThis.process.kill(grandchild);
  });

  test('lets an aborted request go at once', async () => {
    const process = await start();
    const controller = new AbortController();
    const hanging = ask(process, 'hang', { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(hanging).rejects.toThrow('enough');
    expect(await ask(process, 'again')).toEqual(echo('again'));
  });

  test('is told to end, and ended when it does not', async () => {
    const [willing, stubborn] = [await start(), await start({ stays: true })];
    const pids = [willing.pid(), stubborn.pid()];
    const hanging = ask(stubborn, 'hang');
    await Promise.all([willing.close(), stubborn.close()]);
    expect(pids.map((pid) => isAlive(pid ?? 0))).toEqual([false, false]);
    expect(await hanging).toMatchObject({ kind: 'engine-crashed' });
    expect(await ask(willing, 'late')).toMatchObject({ kind: 'engine-crashed' });
  });
});

describe('starting a worker process', () => {
  test('throws what the worker refuses with', async () => {
    await expect(start({ refuses: true })).rejects.toMatchObject({
      name: 'EngineError',
      kind: 'model-not-found',
      message: 'No model.',
      hint: 'get one',
    });
  });

  test('throws when the worker dies before it is ready, or is no program', async () => {
    await expect(start({ dies: true })).rejects.toMatchObject({
      kind: 'engine-crashed',
      message: expect.stringMatching(/^The echo process ended with code 1 /) as string,
    });
    const connect = () => startChild({ file: '/no/such/program', arguments: [] });
    const absent = { name: 'echo', connect, settings: () => ({}) };
    const starting = startWorkerProcess(absent, { signal: new AbortController().signal, onRestart: () => {} });
    await expect(starting).rejects.toThrow('is not there');
  });

  test('ends the worker when it is aborted meanwhile', async () => {
    const controller = new AbortController();
    const starting = start({ loadsForever: true }, { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('not wanted')), 100);
    await expect(starting).rejects.toThrow('not wanted');
  });
});
