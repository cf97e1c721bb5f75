import { describe, expect, test } from 'vitest';
import { countPrompt } from '../../../../src/backends/ollama/answer/count-prompt.ts';
import { candidate, chat } from '../../candidates.ts';
import { completed } from '../../conformance.ts';
import { expectSilence } from '../expect-silence.ts';
import { answer, loadedOn, never, rejectionOf, startFake } from '../open-ollama-for-test.ts';
import { startScripted } from '../scripted-server.ts';

expectSilence();

describe('the count of a prompt', () => {
  test('is what the answer reports later, for a token of an answer', async () => {
    const server = await startFake();
    const loaded = loadedOn(server);
    for (const index of [0, 1, 2]) {
      const { request } = candidate(index);
      const count = await countPrompt(loaded, request, never);
      expect(completed(await answer(loaded, request)).body.usage!.prompt_tokens).toBe(count);
    }
    expect(server.requests.at(-2)?.body).toMatchObject({ options: { num_predict: 1 }, think: false, truncate: false });
    expect(server.loads).toBe(1);
  });

  test('is that of a completion too', async () => {
    const loaded = loadedOn(await startFake());
    const request = {
      ...candidate(0).request,
      endpoint: '/v1/completions' as const,
      body: { model: 'm', prompt: 'hello' },
    };
    expect(await countPrompt(loaded, request, never)).toBe(
      completed(await answer(loaded, request)).body.usage!.prompt_tokens,
    );
  });

  test('is that of the refusal where the prompt is too long', async () => {
    const loaded = loadedOn(await startFake(), { runner: { num_ctx: 512 } });
    const count = await countPrompt(loaded, chat([{ role: 'user', content: 'x'.repeat(2000) }]), never);
    expect(count).toBeGreaterThan(2000);
    expect(count).toBeLessThan(2050);
  });

  test('has the tools in it', async () => {
    const server = await startFake({ capabilities: ['completion', 'tools'] });
    const tools = [{ type: 'function', function: { name: 'look_up' } }];
    await countPrompt(loadedOn(server), chat([{ role: 'user', content: 'a' }], { tools }), never);
    expect(server.requests[0]?.body).toMatchObject({ tools });
  });

  test('is unknown where the line can’t be sent, or the server fails', async () => {
    const server = await startFake();
    const loaded = loadedOn(server);
    expect(await countPrompt(loaded, chat([], { logit_bias: { 5: 1 } }), never)).toBe(null);
    expect(await countPrompt(loaded, { ...candidate(0).request, endpoint: '/v1/embeddings' }, never)).toBe(null);
    expect(server.requests).toEqual([]);
    for (const fault of ['busy', 'html', 'empty', 'load-failed'] as const) {
      server.faults = () => fault;
      expect(await countPrompt(loaded, candidate(0).request, never)).toBe(null);
    }
  });

  test('is given up with the reason of the signal', async () => {
    const controller = new AbortController();
    const server = await startScripted({ '/api/chat': () => controller.abort('stopped') });
    const counting = countPrompt(loadedOn(server), candidate(0).request, controller.signal);
    expect(await rejectionOf(counting)).toBe('stopped');
  });
});
