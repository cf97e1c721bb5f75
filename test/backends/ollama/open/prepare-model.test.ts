import { describe, expect, test } from 'vitest';
import { findModel } from '../../../../src/backends/ollama/model/find-model.ts';
import { ollamaOptionsSchema } from '../../../../src/backends/ollama/options.ts';
import { prepareModel } from '../../../../src/backends/ollama/open/prepare-model.ts';
import type { OpenRequest, PromptLengths } from '../../../../src/core/backend.ts';
import type { BatchRequest } from '../../../../src/core/request.ts';
import type { FakeOllama } from '../../../helpers/fake-ollama-server.ts';
import { openRequest } from '../../../helpers/open-request.ts';
import { candidate, chat } from '../../candidates.ts';
import { expectSilence } from '../expect-silence.ts';
import { clientOf, never, openOn, startFake } from '../open-ollama-for-test.ts';

expectSilence();

const said = (id: string, content: string, changes = {}): BatchRequest => ({
  ...chat([{ role: 'user', content }], changes),
  id,
});
const inputOf =
  (...longest: BatchRequest[]) =>
  async (): Promise<PromptLengths> => ({ longest, usual: longest.at(-1) ?? candidate(0).request });

async function prepare(server: FakeOllama, changes: Partial<OpenRequest> = {}) {
  const client = clientOf(server);
  const found = await findModel(client, 'tiny-scorer', never);
  const options = (await ollamaOptionsSchema()).parse(changes.options ?? {});
  return prepareModel(
    { client, found, options },
    openRequest('tiny-scorer', { connection: { host: server.url }, ...changes }),
  );
}

/** Letters are a token each for the bundled model: an estimate of three bytes a token is too low. */
const letters = (count: number): string => 'x'.repeat(count);
/** And this sentence is one token: the estimate is far too high. */
const sentences = (count: number): string => 'Score the candidate from 0 to 100.'.repeat(count);

describe('a model', () => {
  test('is loaded once where the estimate does, and the longest lines are counted', async () => {
    const server = await startFake();
    const promptLengths = inputOf(said('a', letters(30)), said('b', letters(20)));
    const { loaded, choice, loadMs } = await prepare(server, { promptLengths });
    expect(server.loads).toBe(1);
    expect(loadMs).toBeGreaterThan(0);
    expect(choice).toMatchObject({ contextTokens: 2048, reason: 'for the longest prompt and its answer' });
    expect(loaded.runner).toEqual({ num_ctx: 2048 });
    expect(Object.isFrozen(loaded.runner)).toBe(true);
    // A load, a sign of life, and each of the two lines once.
    expect(server.requests.filter(({ path }) => path === '/api/chat')).toHaveLength(4);
    const longest = server.requests.at(-1)?.body;
    expect(longest).toMatchObject({ options: { num_predict: 1, num_ctx: 2048 }, truncate: false });
    expect(loaded.answerTokens).toBeGreaterThan(1900);
    expect(loaded.answerTokens).toBeLessThan(2048);
  });

  test('is loaded again with a larger window where the prompts have more tokens', async () => {
    const server = await startFake();
    const { loaded, choice } = await prepare(server, { promptLengths: inputOf(said('a', letters(2500))) });
    expect(server.loads).toBe(2);
    expect(choice.contextTokens).toBe(4096);
    expect(loaded.runner.num_ctx).toBe(4096);
    expect(loaded.answerTokens).toBeLessThan(4096 - 2500);
  });

  test('is loaded again with a larger window where they do not even fit into the first', async () => {
    const server = await startFake();
    const { choice } = await prepare(server, { promptLengths: inputOf(said('a', letters(3500), { max_tokens: 5 })) });
    expect(server.loads).toBe(2);
    expect(choice.contextTokens).toBe(4096);
  });

  test('is loaded again with a smaller window where the first is a waste', async () => {
    const server = await startFake();
    const promptLengths = inputOf(said('a', sentences(250), { max_tokens: 100 }));
    const { choice } = await prepare(server, { promptLengths });
    expect(server.loads).toBe(2);
    expect(choice.contextTokens).toBe(1024);
  });

  test('keeps a window that is a little too large: a load costs more', async () => {
    const server = await startFake();
    const { choice, loaded } = await prepare(server, {
      promptLengths: inputOf(said('a', sentences(100), { max_tokens: 100 })),
    });
    expect(server.loads).toBe(1);
    expect(choice.contextTokens).toBe(2048);
    expect(loaded.answerTokens).toBeGreaterThan(1900);
  });

  test('gets the window that is asked for, and is loaded once', async () => {
    const server = await startFake();
    const options = { num_ctx: '1536', num_thread: '1', use_mmap: 'false', slots: 1 };
    const { loaded, choice } = await prepare(server, { options, promptLengths: inputOf(said('a', letters(2500))) });
    expect(server.loads).toBe(1);
    expect(choice.reason).toBe('as asked for');
    expect(loaded.runner).toEqual({ num_ctx: 1536, num_thread: 1, use_mmap: false });
  });

  test('gets no more than it was trained on', async () => {
    const server = await startFake();
    const { choice } = await prepare(server, { options: { num_ctx: 100_000 } });
    expect(choice).toMatchObject({ contextTokens: 4096, warning: expect.stringContaining('4,096') as string });
  });

  test.each<[string, Partial<OpenRequest>]>([
    ['a conversation', { conversationTokens: 3000, promptLengths: inputOf(said('a', letters(2500))) }],
    ['an input that is still being read', {}],
  ])('is not asked to count for %s', async (_, changes) => {
    const server = await startFake();
    await prepare(server, changes);
    expect(server.loads).toBe(1);
    expect(server.requests.filter(({ path }) => path === '/api/chat').map(({ kind }) => kind)).toEqual([
      'load',
      'answer',
    ]);
  });

  test('is loaded where a line can’t be sent at all', async () => {
    const server = await startFake();
    const promptLengths = inputOf(said('a', letters(900), { logit_bias: {} }));
    expect((await prepare(server, { promptLengths })).choice.contextTokens).toBe(2048);
    expect(server.loads).toBe(1);
  });
});

describe('an open backend', () => {
  test('suits another input that its window has room for, and no other', async () => {
    const server = await startFake();
    const backend = await openOn(server, { options: { slots: 1 }, promptLengths: inputOf(said('a', letters(30))) });
    expect(backend.limits.contextTokens).toBe(2048);
    const suits = (changes: Partial<OpenRequest>) => backend.canServe?.(openRequest('tiny-scorer', changes));
    expect(await suits({ promptLengths: inputOf(candidate(7).request) })).toBe(true);
    expect(await suits({ promptLengths: inputOf(said('a', letters(1000), { max_tokens: 500 })) })).toBe(true);
    expect(await suits({ promptLengths: inputOf(said('a', letters(1000))) })).toBe(true);
    expect(await suits({ promptLengths: inputOf(said('a', letters(1600), { max_tokens: 600 })) })).toBe(false);
    expect(await suits({ promptLengths: inputOf(said('a', letters(3000), { max_tokens: 1 })) })).toBe(false);
    expect(await suits({ conversationTokens: 2048 })).toBe(true);
    expect(await suits({ conversationTokens: 3000 })).toBe(false);
    expect(await suits({})).toBe(false);
    expect(server.loads).toBe(1);
  });

  test('suits every input where the window is as asked for', async () => {
    const backend = await openOn(await startFake());
    const promptLengths = inputOf(said('a', letters(3000)));
    expect(await backend.canServe?.(openRequest('tiny-scorer', { promptLengths }))).toBe(true);
  });
});
