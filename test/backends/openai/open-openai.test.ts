import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { waitUntil } from '../../helpers/wait.ts';
import { openaiBackend } from '../../../src/backends/openai/index.ts';
import { failure } from '../../../src/core/completion.ts';
import { openRequest } from '../../helpers/open-request.ts';
import type { FakeOpenai } from '../../helpers/fake-openai-server.ts';
import type { FaultName } from '../../helpers/fake-openai/faults.ts';
import { freePort, serve } from '../../helpers/serve.ts';
import { candidate } from '../candidates.ts';
import { completed, context } from '../conformance.ts';
import { openOn, startFake } from './open-openai-for-test.ts';

const never = new AbortController().signal;
const open = (baseUrl: string, changes = {}) =>
  openaiBackend.open(openRequest('tiny-scorer', { connection: { baseUrl }, ...changes }));

describe('what is told of a server', () => {
  test('vllm serve', async () => {
    const { backend, notices } = await openOn(await startFake({ window: 4096 }));
    expect(backend.info).toMatchObject({
      model: 'tiny-scorer',
      modelDigest: null,
      version: 'vllm 0.32.0',
      usesLocalGpus: true,
    });
    expect(backend.limits).toEqual({
      slots: null,
      suggestedWorkers: 32,
      finds: { start: 32, max: 512 },
      contextTokens: 4096,
    });
    expect(notices[0]).toMatch(/^openai: vllm 0\.32\.0 at http:\S+\/v1: tiny-scorer, context window of 4,096 tokens$/);
  });

  test('llama-server tells its slots, and takes any name for its one model', async () => {
    const server = await startFake({ kind: 'llama-server', models: ['/models/x.gguf'], slots: 4, template: '<user>' });
    const { backend } = await openOn(server);
    expect(backend.limits).toMatchObject({ slots: 4, finds: { start: 5, max: 5 }, contextTokens: 1024 });
    const body = { model: 'tiny-scorer', messages: [{ role: 'user', content: 'a <user>' }] };
    const answer = await backend.generate({ ...candidate(0).request, body }, context());
    expect(answer).toMatchObject({ kind: 'control-token' });
  });

  test('a hosted one: nothing is known, so little is tried at first', async () => {
    const { backend } = await openOn(await startFake({ kind: 'hosted' }));
    expect(backend.limits).toMatchObject({ slots: null, finds: { start: 8, max: 256 }, contextTokens: null });
  });

  test('--workers is what it starts with, and the most', async () => {
    const { backend } = await openOn(await startFake(), { workers: 7 });
    expect(backend.limits.finds).toEqual({ start: 7, max: 7 });
  });

  test('control tokens are no matter for a note: the line that holds one says so', async () => {
    const { notices } = await openOn(await startFake());
    expect(notices).toHaveLength(1);
  });

  test("Ollama's /v1 is warned about", async () => {
    const { notices } = await openOn(await startFake({ kind: 'ollama', models: ['tiny-scorer:latest'] }));
    expect(notices.filter((text) => text.includes('-b ollama'))).toHaveLength(1);
    const others = await openOn(await startFake());
    expect(others.notices.join()).not.toContain('warning');
  });

  test('a path of its own', async () => {
    const server = await startFake({ path: '/openai/v1', kind: 'hosted' });
    const { backend } = await openOn(server);
    completed(await backend.generate(candidate(0).request, context()));
    expect(server.requests[0]?.path).toBe('/openai/v1/chat/completions');
  });
});

describe('a model', () => {
  test('that is not there is a mistake, with near names, before anything is sent', async () => {
    const server = await startFake({ models: ['org/tiny-scorer', 'other'] });
    const opening = open(server.url);
    await expect(opening).rejects.toMatchObject({ kind: 'model-not-found', hint: 'Did you mean org/tiny-scorer?' });
    await expect(open(server.url, { model: 'nothing-like-it' })).rejects.toMatchObject({
      hint: 'It has: org/tiny-scorer, other.',
    });
    expect(server.requests).toEqual([]);
  });

  test.each([[['tiny-scorer:latest']], [['models/tiny-scorer']], [['tiny-*']], [['a', '*']]])(
    'is one of %j',
    async (models) => {
      await openOn(await startFake({ kind: 'hosted', models }));
    },
  );

  test('is taken at its word where the server lists none', async () => {
    const server = await startFake({ kind: 'hosted', listsModels: false });
    const { backend } = await openOn(server);
    completed(await backend.generate(candidate(0).request, context()));
  });
});

test('names and versions are told without what a terminal would act on', async () => {
  const models = ['\u001B[2Jone', 'two'];
  const server = await startFake({ models });
  await expect(open(server.url, { model: 'nothing-like-it' })).rejects.toMatchObject({ hint: 'It has: one, two.' });
  const page = await serve({
    '/v1/models': { body: '{"data":[{"id":"tiny-scorer","owned_by":"vllm"}]}' },
    '/version': { body: String.raw`{"version":"\u001b[2J1\n2"}` },
  });
  const { notices } = await openOn({ url: `${page.url}/v1` });
  expect(notices[0]).toContain('vllm 1 2 at');
});

describe('a server that can not be used', () => {
  test('for lack of a key, or of the right one', async () => {
    const server = await startFake({ key: 'sk-right' });
    for (const environment of [{}, { OPENAI_API_KEY: 'sk-wrong' }]) {
      const opening = open(server.url, { environment });
      await expect(opening).rejects.toMatchObject({
        kind: 'unauthorized',
        message: expect.stringContaining('OPENAI_API_KEY') as string,
      });
      await expect(opening).rejects.not.toThrow(/sk-wrong/);
    }
  });

  test('since it is none', async () => {
    const page = await serve({ '/v1/models': { body: '<html>' } });
    await expect(open(page.url)).rejects.toMatchObject({
      kind: 'unusable',
      message: expect.stringContaining('not a list of models') as string,
    });
  });

  test('since it leads elsewhere: it is not followed', async () => {
    const other = await startFake();
    const moved = await serve({
      '/v1/models': { status: 302, headers: { Location: `${other.url}/models?x=secret` }, body: '' },
    });
    const opening = open(moved.url, { environment: { OPENAI_API_KEY: 'sk' } });
    await expect(opening).rejects.toMatchObject({
      kind: 'unusable',
      message: expect.stringContaining(`to ${other.url}/models:`) as string,
    });
    expect(other.paths).toEqual([]);
  });

  test('since none is named', async () => {
    await expect(openaiBackend.open(openRequest('tiny-scorer'))).rejects.toMatchObject({ exitCode: 2 });
  });
});

test('a key without encryption is warned about, but for this machine', async () => {
  const environment = { OPENAI_API_KEY: 'sk' };
  const local = await openOn(await startFake({ key: 'sk' }), { environment });
  expect(local.notices.join()).not.toContain('encryption');
  // 0.0.0.0 is this machine too, but does not look so.
  const server = await startFake({ key: 'sk' });
  const { notices } = await openOn({ url: server.url.replace('127.0.0.1', '0.0.0.0') }, { environment });
  expect(notices.join()).toMatch(/warning: OPENAI_API_KEY goes to 0\.0\.0\.0:\d+ without encryption/);
});

describe('a server that is away', () => {
  /** Ill until it has been asked twice: the first answer has gone out then. */
  const untilWell = async (server: FakeOpenai): Promise<void> => {
    server.health = 503;
    server.paths.length = 0;
    await waitUntil(() => server.paths.filter((path) => path === '/health').length >= 2);
    server.health = 200;
  };

  test('is waited for at the start', async () => {
    const server = await startFake();
    await server.stop();
    const notices: string[] = [];
    const opening = openOn(server, { onNotice: (text) => notices.push(text) });
    await waitUntil(() => notices.length > 0);
    await server.start();
    await opening;
    expect(notices[0]).toBe(`no OpenAI-compatible server answers at ${server.url}: waiting for it, at most 30 s`);
    expect(notices[1]).toMatch(/^the OpenAI-compatible server answers, after/);
  });

  test('ends the wait with the signal', async () => {
    const stop = new AbortController();
    const opening = open(`http://127.0.0.1:${await freePort()}`, { signal: stop.signal });
    const reason = new Error('stop');
    setTimeout(() => stop.abort(reason), 20);
    await expect(opening).rejects.toBe(reason);
  });

  test('in the middle of a run: no attempt counts while it is', async () => {
    const server = await startFake();
    const { backend } = await openOn(server);
    const broken = failure('connection', 'broken');
    expect(await backend.supervision?.recover?.(broken, never)).toBe('here');
    await server.stop();
    const answer = await backend.generate(candidate(0).request, context());
    expect(answer).toMatchObject({ kind: 'connection' });
    const recovering = backend.supervision?.recover?.(broken, never);
    await sleep(50);
    await server.start();
    expect(await recovering).toBe('gone');
    completed(await backend.generate(candidate(0).request, context()));
  });

  test('is not back before it is well', async () => {
    const server = await startFake();
    const { backend } = await openOn(server);
    const recovering = backend.supervision?.recover?.(failure('overloaded', 'x'), never);
    await untilWell(server);
    expect(await recovering).toBe('gone');
  });

  test('and back without the model: there is no hope', async () => {
    const server = await startFake();
    const { backend } = await openOn(server);
    server.models = ['other'];
    await expect(backend.supervision?.recover?.(failure('connection', 'x'), never)).rejects.toMatchObject({
      kind: 'model-not-found',
    });
  });

  test('and back with another model, though it takes any name: there is no hope', async () => {
    const server = await startFake({ kind: 'llama-server', models: ['models/tiny.gguf'] });
    const { backend } = await openOn(server);
    const back = () => backend.supervision?.recover?.(failure('connection', 'x'), never);
    server.models = ['/srv/models/tiny.gguf'];
    expect(await back()).toBe('here');
    server.models = ['models/other.gguf'];
    await expect(back()).rejects.toMatchObject({
      kind: 'model-not-found',
      message: expect.stringContaining('another model than before: models/other.gguf, not models/tiny.gguf') as string,
    });
  });

  test('after a crash: what was sent before is lost', async () => {
    const server = await startFake();
    const { backend } = await openOn(server);
    const recovering = backend.supervision?.recover?.(failure('engine-crashed', 'x'), never);
    await untilWell(server);
    expect(await recovering).toBe('gone');
  });
});

describe('it serves a model', () => {
  const serves = (model: string, baseUrl: string | null, environment = {}) =>
    openaiBackend.serves(model, { connection: { baseUrl }, environment });

  test('where a server is named that lists it', async () => {
    const server = await startFake();
    expect(await serves('tiny-scorer', server.url)).toBe(true);
    expect(await serves('tiny-scorer', null, { OPENAI_BASE_URL: server.url })).toBe(true);
    expect(await serves('other', server.url)).toMatch(/^does not have it at .*there: tiny-scorer/);
    expect(await serves('tiny-scorer', null)).toContain('--base-url');
  });

  test('or that has no list', async () => {
    expect(await serves('any', (await startFake({ listsModels: false })).url)).toBe(true);
    expect(await serves('any', `http://127.0.0.1:${await freePort()}`)).toEqual({
      away: expect.stringContaining('gets no list of models'),
    });
  });
});

describe('what is streamed of 32 answers, round by round, where the tokens come fast', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
  afterEach(() => void vi.useRealTimers());

  const streamed = async (timeoutMs: number | null, fault: FaultName | null = null): Promise<number[]> => {
    const server = await startFake();
    const { backend } = await openOn(server, { timeoutMs });
    const isStream = ({ body }: { body: Record<string, unknown> | null }): boolean => body?.['stream'] === true;
    server.faults = (asked) => (isStream(asked) ? null : fault);
    const counts: number[] = [];
    for (let round = 0; round < 10; round++) {
      const asked = Array.from({ length: 32 }, (_, worker) =>
        backend.generate(candidate(worker).request, context({ worker })),
      );
      await Promise.all(asked);
      counts.push(server.requests.filter(isStream).length);
      server.requests.length = 0;
    }
    return [...new Set(counts)];
  };

  test('all at first, then some', async () => expect(await streamed(null)).toEqual([32, 8]));
  test('all, with --timeout: it counts from the first sign of life', async () => {
    expect(await streamed(60_000)).toEqual([32]);
  });
  test('all, once a proxy gave up waiting for one', async () => {
    expect((await streamed(null, 'gateway-timeout')).slice(0, 2)).toEqual([32, 8]);
  });
});

test('another --option is refused', async () => {
  const schema = await openaiBackend.optionsSchema();
  expect(schema.safeParse({ stream: 'maybe' }).success).toBe(false);
  expect(schema.safeParse({ num_ctx: 1 }).success).toBe(false);
});
