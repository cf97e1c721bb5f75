import { describe, expect, test } from 'vitest';
import { ollamaBackend } from '../../../../src/backends/ollama/index.ts';
import type { PromptLengths } from '../../../../src/core/backend.ts';
import { UsageError } from '../../../../src/core/errors.ts';
import type { BatchRequest } from '../../../../src/core/request.ts';
import { nowhere, openRequest } from '../../../helpers/open-request.ts';
import { candidate, candidates, chat } from '../../candidates.ts';
import { completed, context } from '../../conformance.ts';
import { expectSilence } from '../expect-silence.ts';
import { never, openOn, promised, rejectionOf, startFake } from '../open-ollama-for-test.ts';
import { startScripted } from '../scripted-server.ts';
import { waitFor } from '../../../helpers/wait.ts';

expectSilence();

const runnerKeys = ['num_ctx', 'num_batch', 'num_gpu', 'main_gpu', 'use_mmap', 'num_thread', 'draft_num_predict'];
const answering = new Set(['/api/chat', '/api/generate', '/api/embed']);

const promptLengths = async (): Promise<PromptLengths> => ({
  longest: [candidate(0).request, candidate(1).request],
  usual: candidate(2).request,
});

describe('a run', () => {
  test('loads the model once, with one set of options in all that it ever sends', async () => {
    const server = await startFake({ slots: 4, capabilities: ['completion', 'thinking', 'embedding'] });
    const backend = await openOn(server, { options: { num_thread: 1, use_mmap: false }, promptLengths });
    const bodies: BatchRequest[] = [
      ...candidates.slice(0, 8).map(({ request }) => request),
      chat([{ role: 'user', content: 'a' }], { temperature: 1, seed: 3, think: true, stop: ['x'], logprobs: true }),
      chat([{ role: 'user', content: 'a' }], { response_format: { type: 'json_object' }, max_tokens: 3 }),
      { ...chat([]), endpoint: '/v1/completions', body: { model: 'm', prompt: 'a', top_k: 5 } },
      { ...chat([]), endpoint: '/v1/embeddings', body: { model: 'm', input: ['a', 'b'] } },
    ];
    await Promise.all(bodies.map(async (request) => completed(await backend.generate(request, context()))));
    await backend.inspection?.countPrompt?.(candidate(9).request, never);
    await backend.supervision?.recover?.({ status: 'failed', kind: 'connection', message: '' }, never);
    await backend.canServe?.(openRequest('tiny-scorer', { promptLengths }));
    await backend.inspection?.memory?.();

    expect(server.loads).toBe(1);
    const sent = server.requests.filter(({ path }) => answering.has(path)).map(({ body }) => body ?? {});
    expect(sent.length).toBeGreaterThan(bodies.length + 16);
    for (const body of sent) {
      const options = body['options'] as Record<string, unknown>;
      const own = Object.fromEntries(Object.entries(options).filter(([key]) => runnerKeys.includes(key)));
      expect(own).toEqual({ num_ctx: 1024, num_thread: 1, use_mmap: false });
      expect(body['keep_alive']).toBe(-1);
      expect(body['truncate']).toBe(false);
      expect(body).not.toHaveProperty('shift');
    }
    const asked = sent.filter(
      ({ messages, prompt }) => prompt !== undefined || (Array.isArray(messages) && messages.length > 0),
    );
    for (const body of asked) {
      expect(body['stream']).toBe(true);
      expect(body['think']).toBeTypeOf('boolean');
      expect(body['options']).toMatchObject({ num_predict: expect.any(Number) as number });
    }
    const answered = server.requests.filter(({ text }) => text.includes('repeat_penalty'));
    expect(answered).toHaveLength(bodies.length - 1);
  });

  test('takes the penalty that the model has, unless told', async () => {
    const shown = JSON.stringify({ parameters: 'repeat_penalty 1.3', capabilities: ['completion'] });
    const server = await startScripted({ '/api/show': shown, '/api/chat': '{"done":true}' });
    const backend = await openOn(server);
    await backend.generate(chat([{ role: 'user', content: 'a' }]), context());
    await backend.generate(chat([{ role: 'user', content: 'a' }], { repetition_penalty: 1.1 }), context());
    const penalties = server.requests.map(
      ({ body }) => (body['options'] as Record<string, unknown>)?.['repeat_penalty'],
    );
    expect(penalties.filter((penalty) => penalty !== undefined)).toEqual([1.3, 1.1]);
  });
});

describe('opening Ollama', () => {
  test('tells what it is, and what it found', async () => {
    const server = await startFake({ slots: 2, loadMs: 20 });
    const notices: string[] = [];
    const backend = await openOn(server, { options: {}, promptLengths, onNotice: (text) => notices.push(text) });
    expect(backend.info).toMatchObject({
      model: 'tiny-scorer',
      modelDigest: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      version: 'ollama 0.34.0',
    });
    expect(backend.limits).toMatchObject({ slots: 2, suggestedWorkers: 3, contextTokens: 1024 });
    expect(backend.info.loadMs).toBeGreaterThan(15);
    expect(backend.supervision?.pid?.()).toBe(null);
    expect(notices[0]).toMatch(/^ollama 0\.34\.0 at http:\/\/127\.0\.0\.1:\d+: loading tiny-scorer \(.+\)$/);
    expect(notices).toContainEqual(expect.stringMatching(/^ollama: 2 slots of 1,024 tokens/));
  });

  test('looks where the environment says, and --host beats it', async () => {
    const server = await startFake();
    const options = { num_ctx: 1024, slots: 1 };
    const open = (changes: object) => ollamaBackend.open(openRequest('tiny-scorer', { options, ...changes }));
    for (const place of [
      { connection: {}, environment: { OLLAMA_HOST: server.host } },
      { connection: { host: server.host }, environment: { OLLAMA_HOST: 'nowhere.invalid' } },
    ]) {
      const backend = await open(place);
      await backend.close();
    }
    await expect(open({ connection: { host: 'me:hush@example.com' } })).rejects.toBeInstanceOf(UsageError);
  });

  test.each<[string, 'oom' | 'load-failed' | 'html', string]>([
    ['a lack of memory', 'oom', 'out-of-memory'],
    ['a model that can’t be loaded', 'load-failed', 'unusable'],
    ['a proxy in between', 'html', 'unusable'],
  ])('fails with a kind and a hint at %s', async (_, fault, kind) => {
    const server = await startFake();
    server.faults = ({ path }) => (path === '/api/chat' ? fault : null);
    expect(await rejectionOf(openOn(server))).toMatchObject({
      name: 'EngineError',
      exitCode: 4,
      kind,
      hint: expect.stringMatching(/\.$/) as string,
    });
  });

  test('fails where the server has not the model', async () => {
    const server = await startFake({ models: ['gemma3:4b'] });
    expect(await rejectionOf(openOn(server))).toMatchObject({ kind: 'model-not-found' });
  });

  test('is given up with the reason of the signal at any time', async () => {
    for (const path of ['/api/version', '/api/tags', '/api/show', '/api/chat']) {
      const server = await startFake();
      const asked = promised();
      server.faults = (request) => {
        if (request.path !== path) return null;
        asked.keep();
        return 'hang';
      };
      const controller = new AbortController();
      const opening = rejectionOf(openOn(server, { signal: controller.signal }));
      await asked.promise;
      const reason = new Error('stopped');
      controller.abort(reason);
      expect(await opening).toBe(reason);
      await waitFor(() => expect(server.aborted).toBe(1));
    }
  });
});

describe('closing Ollama', () => {
  const running = async ({ url }: { url: string }): Promise<unknown[]> =>
    ((await (await fetch(`${url}/api/ps`)).json()) as { models: unknown[] }).models;

  test('leaves the model loaded', async () => {
    const server = await startFake();
    await (await openOn(server)).close();
    expect(await running(server)).toHaveLength(1);
  });

  test('frees the model where that is wanted', async () => {
    const server = await startFake();
    await (await openOn(server, { unload: true })).close();
    expect(await running(server)).toEqual([]);
  });

  test('does not mind that the server is gone', async () => {
    const server = await startFake();
    const backend = await openOn(server, { unload: true });
    await server.stop();
    await expect(backend.close()).resolves.toBe(undefined);
  });
});

describe('a model name', () => {
  const serves = (model: string, host: string): unknown =>
    ollamaBackend.serves(model, { ...nowhere, connection: { host } });

  test('belongs to Ollama where its server has it', async () => {
    const server = await startFake();
    expect(await serves('tiny-scorer', server.host)).toBe(true);
    expect(await serves('gemma3:4b', server.host)).toMatch(/^does not have it at .*ollama pull gemma3:4b/);
    expect(server.loads).toBe(0);
  });

  test('does not where no such server is', async () => {
    const server = await startFake();
    await server.stop();
    expect(await serves('tiny-scorer', server.host)).toEqual({ away: expect.stringMatching(/^has no server at http/) });
    const other = await startScripted({ '/api/show': { status: 404, body: 'Not Found' } });
    expect(await serves('tiny-scorer', other.url)).toEqual({ away: expect.stringMatching(/^has no server at http/) });
  });

  test('does not where the server says nothing', async () => {
    const server = await startFake();
    server.faults = () => 'hang';
    expect(await serves('tiny-scorer', server.host)).toEqual({
      away: expect.stringMatching(/^answers too slowly at http.* \(nothing within 1\.5 s\): -b ollama waits longer$/),
    });
  });
});
