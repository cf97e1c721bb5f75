import { describe, expect, test } from 'vitest';
import {
  type ContextFacts,
  chooseContext,
  estimateTokens,
} from '../../../../src/backends/ollama/open/choose-context.ts';
import { type BatchRequest, textOf } from '../../../../src/core/request.ts';
import { chat } from '../../candidates.ts';

/** A request of so many tokens, by the count of these tests. */
const sized = (tokens: number, changes: Record<string, unknown> = {}): BatchRequest =>
  chat([{ role: 'user', content: 'x'.repeat(tokens) }], changes);
const lengths = (all: BatchRequest[], usual = all[0] ?? sized(0)) => ({ longest: all, usual });

const choose = (changes: Partial<ContextFacts>) =>
  chooseContext({
    asked: null,
    conversationTokens: null,
    trainedTokens: 131_072,
    lengths: null,
    count: async ({ body }) => textOf(body.messages?.[0]?.content ?? null).length,
    ...changes,
  });

describe('the context window', () => {
  test('has room for the longest prompt and a usual answer', async () => {
    expect(await choose({ lengths: lengths([sized(3000), sized(2900)]) })).toEqual({
      contextTokens: 4096,
      answerTokens: 1096,
      reason: 'for the longest prompt and its answer',
      warning: null,
    });
  });

  test('has room for the answer that is asked for, which may be that of a shorter prompt', async () => {
    const all = [sized(3000, { max_tokens: 10 }), sized(2000, { max_completion_tokens: 5000 })];
    expect((await choose({ lengths: lengths(all) })).contextTokens).toBe(7168);
    expect((await choose({ lengths: lengths([sized(1024, { max_tokens: 1024 })]) })).contextTokens).toBe(2048);
    expect((await choose({ lengths: lengths([sized(1025, { max_tokens: 1024 })]) })).contextTokens).toBe(3072);
  });

  test('is not made for a few lines that need far more memory than the others', async () => {
    const usual = sized(1000, { max_tokens: 2000 });
    const choice = await choose({ lengths: lengths([sized(60_000), sized(13_000)], usual) });
    expect(choice).toMatchObject({ contextTokens: 12_288, reason: 'for all but a few lines' });
    expect(choice.warning).toContain('will fail as context-too-long; --option num_ctx=61440 takes them too');
  });

  test('is made for them where that is modest', async () => {
    expect(await choose({ lengths: lengths([sized(7000)], sized(100)) })).toMatchObject({
      contextTokens: 8192,
      warning: null,
    });
  });

  test('stays modest where a line is not', async () => {
    const choice = await choose({ lengths: lengths([sized(60_000), sized(7000)], sized(100, { max_tokens: 10 })) });
    expect(choice.contextTokens).toBe(8192);
    expect(choice.warning).not.toBe(null);
  });

  test('is no larger than what the model was trained on, which is said', async () => {
    const choice = await choose({ trainedTokens: 4096, lengths: lengths([sized(5000)]) });
    expect(choice).toMatchObject({ contextTokens: 4096, reason: 'all that the model was trained on' });
    expect(choice.warning).toContain('need 6,024 tokens');
    const unknown = await choose({ trainedTokens: null, lengths: lengths([sized(5000)]) });
    expect(unknown).toMatchObject({ contextTokens: 6144, warning: null });
  });

  test('names no window beyond the training for the long lines', async () => {
    const { warning } = await choose({ trainedTokens: 32_768, lengths: lengths([sized(60_000)], sized(100)) });
    expect(warning).toContain('num_ctx=32768');
  });

  test('has room for no answer where there is none, and nothing is said of one', async () => {
    const embedding = (input: string | string[]): BatchRequest => ({
      ...sized(0),
      endpoint: '/v1/embeddings',
      body: { model: 'm', input },
    });
    const of = (trainedTokens: number, ...all: BatchRequest[]) =>
      choose({ trainedTokens, count: async () => null, lengths: lengths(all) });
    const fits = { reason: 'for the longest input', warning: null };
    expect(await of(512, embedding('x'.repeat(1200)))).toMatchObject({ ...fits, contextTokens: 512 });
    expect(await of(512, embedding('x'.repeat(3000)))).toMatchObject({
      reason: 'all that the model was trained on',
      warning: null,
    });
    const texts = Array.from({ length: 1000 }, () => 'x'.repeat(1200));
    expect(await of(32_768, embedding(texts))).toMatchObject({ ...fits, contextTokens: 8192 });
    expect((await of(512, embedding('x'), sized(0))).warning).toContain('the longest prompt and its answer need');
  });

  test('is as asked for', async () => {
    expect(await choose({ asked: 3000, lengths: lengths([sized(60_000), sized(1000)]) })).toEqual({
      contextTokens: 3000,
      answerTokens: 2000,
      reason: 'as asked for',
      warning: null,
    });
    const capped = await choose({ asked: 8192, trainedTokens: 4096 });
    expect(capped.contextTokens).toBe(4096);
    expect(capped.warning).toBe('the model was trained on 4,096 tokens: it gets no more');
  });

  test('is that of the conversation, of which an eighth is left for an answer', async () => {
    expect(await choose({ conversationTokens: 32_768, lengths: lengths([sized(100)]) })).toEqual({
      contextTokens: 32_768,
      answerTokens: 4096,
      reason: 'for the conversation',
      warning: null,
    });
    expect(await choose({ conversationTokens: 32_768, trainedTokens: 8192 })).toMatchObject({
      contextTokens: 8192,
      reason: 'all that the model was trained on',
    });
    expect((await choose({ conversationTokens: 32_768, asked: 16_384 })).contextTokens).toBe(16_384);
  });

  test('is a usual one while the input is being read', async () => {
    expect(await choose({})).toMatchObject({ contextTokens: 4096, answerTokens: 4096, warning: null });
    expect((await choose({})).reason).toContain('still being read');
    expect((await choose({ trainedTokens: 2048 })).contextTokens).toBe(2048);
  });

  test('is estimated for a prompt that can’t be counted', async () => {
    const choice = await choose({ count: async () => null, lengths: lengths([sized(9000, { max_tokens: 56 })]) });
    expect(choice.contextTokens).toBe(3072);
  });

  test('leaves an eighth for an answer, however long the prompts are', async () => {
    const { answerTokens } = await choose({ asked: 4096, lengths: lengths([sized(4000)]) });
    expect(answerTokens).toBe(512);
  });
});

describe('an estimate', () => {
  test('counts three bytes a token, and a frame for each message', () => {
    expect(
      estimateTokens(
        chat([
          { role: 'system', content: 'ab' },
          { role: 'user', content: 'ü'.repeat(29) },
        ]),
      ),
    ).toBe(52);
    expect(estimateTokens(chat([{ role: 'user', content: [{ type: 'text', text: 'x'.repeat(30) }] }]))).toBe(26);
    expect(estimateTokens(chat([{ role: 'assistant' }]))).toBe(16);
  });

  test('counts prompts, inputs and tools too', () => {
    const of = (body: object): number => estimateTokens({ ...sized(0), body: { model: 'm', ...body } });
    expect(of({ prompt: 'x'.repeat(30) })).toBe(26);
    expect(of({ input: ['x'.repeat(30), 'x'.repeat(30)] })).toBe(52);
    expect(of({ messages: [], tools: [{ name: 'x'.repeat(300) }] })).toBeGreaterThan(116);
  });
});
