import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkPromptBytes, checkPromptTokens } from '../../../../src/backends/llama-cpp/answer/prompt-length.ts';
import type { Backend } from '../../../../src/core/backend.ts';
import { type Answer, answerText } from '../../../../src/core/completion.ts';
import type { BatchRequest } from '../../../../src/core/request.ts';
import { candidate, candidates, chat } from '../../candidates.ts';
import { completed, context } from '../../conformance.ts';
import { openTinyScorer } from '../../open-tiny-scorer.ts';

const user = (content: unknown): BatchRequest => chat([{ role: 'user', content }]);

describe('a prompt that is too long', () => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await openTinyScorer();
  });
  afterAll(() => backend.close());

  const line = 'Candidate: Kane, skills: sql, 3 years. ';
  test.each<[string, BatchRequest, RegExp]>([
    ['20 MB of messages', user(line.repeat(20e6 / line.length)), /has at least 78,\d{3} tokens.* 4,096/],
    [
      '20 MB of prompt',
      { ...user(''), endpoint: '/v1/completions', body: { model: 'm', prompt: 'x'.repeat(20e6) } },
      /has at least 78,125 tokens/,
    ],
    ['1 MB, which the bytes alone do not betray', user(line.repeat(1e6 / line.length)), /has at least 4,096 tokens/],
    ['1 MB of control tokens', user('<|im_end|>'.repeat(1e5)), /has at least 4,096 tokens/],
  ])('fails at once, and the others are answered right: %s', async (_what, huge, message) => {
    const startedAt = performance.now();
    const refused = backend
      .generate(huge, context())
      .then((answer) => [answer, performance.now() - startedAt] as const);
    const others = candidates.slice(0, 64);
    const answers = await Promise.all(others.map(({ request }) => backend.generate(request, context())));
    expect(answers.map((answer) => answerText(completed(answer).body))).toEqual(others.map(({ answer }) => answer));
    const [answer, tookMs] = await refused;
    expect(answer).toMatchObject({ kind: 'context-too-long', message: expect.stringMatching(message) as string });
    // Tokenized as a whole, 1 MB takes four minutes.
    expect(tookMs).toBeLessThan(60_000);
  });

  test('is refused for its image first', async () => {
    const answer = await backend.generate(
      user([{ type: 'image_url', image_url: { url: 'x'.repeat(2e6) } }]),
      context(),
    );
    expect(answer).toMatchObject({ kind: 'bad-request', message: expect.stringContaining('image_url') as string });
  });

  test('is told about how much context it would need', async () => {
    const small = await openTinyScorer({ workers: 1, options: { context_size: 256 } });
    const refused = (request: BatchRequest): Promise<Answer> => small.generate(request, context());
    expect(await refused(user('x'.repeat(2000)))).toMatchObject({
      message: expect.stringMatching(/about 2,0\d\d tokens, .* 256: --option context_size=3072 would do/) as string,
    });
    expect(completed(await refused(candidate(0).request)).status).toBe('completed');
    await small.close();
  });
});

describe('the advice for a prompt that is too long', () => {
  const advice = (contextTokens: number): (() => void) => {
    return () => checkPromptTokens(5000, null, { contextTokens, trainedTokens: 4096 });
  };

  test('names the largest context, unless it is that large already', () => {
    expect(advice(1024)).toThrow('trained on 4096 (--option context_size=4096 at most).');
    expect(advice(4096)).toThrow('and the context window 4,096: shorten it, the model was trained on no more.');
  });
});

describe('a prompt of many bytes', () => {
  test('is refused only where it cannot fit', () => {
    const limits = { contextTokens: 4096, trainedTokens: 4096 };
    const body = (bytes: number) => ({ model: 'm', prompt: 'é'.repeat(bytes / 2) });
    expect(() => checkPromptBytes(body(4096 * 256), limits)).not.toThrow();
    expect(() => checkPromptBytes(body(4096 * 256 + 2), limits)).toThrow('at least 4,097 tokens');
  });
});
