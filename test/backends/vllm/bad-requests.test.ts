import { describe, expect, test } from 'vitest';
import type { Failure } from '../../../src/core/completion.ts';
import type { BatchRequest } from '../../../src/core/request.ts';
import { candidates, chat } from '../candidates.ts';
import { ask, at, complete, form, question, say, shareVllm } from './asking.ts';

const vllm = shareVllm();

describe('a request that fails alone', () => {
  const long = 'x'.repeat(5000);
  const json = { response_format: { type: 'json_object' } };
  test.each<[string, BatchRequest, string, RegExp]>([
    ['unknown key', question('a', { wibble: 1 }), 'bad-request', /vllm can't honour `wibble`/],
    ['guided_json', question('a', { guided_json: {} }), 'bad-request', /`structured_outputs`: {"json": \.\.\.}/],
    ['extra_body', question('a', { extra_body: {} }), 'bad-request', /move its keys into the body/],
    ['n_predict', question('a', { n_predict: 5 }), 'bad-request', /`n_predict`: use `max_tokens`\.$/],
    ['level', question('a', { think: 'low' }), 'bad-request', /knows no levels/],
    ['budget', question('a', { think: 99 }), 'bad-request', /--option reasoning_parser=NAME/],
    ['thoughts before JSON', question('a', { think: true, ...json }), 'bad-request', /no room for thinking/],
    [
      'think of a text',
      at('/v1/completions', { prompt: 'a', think: true }),
      'bad-request',
      /`think`: it is only for chats/,
    ],
    ['options', question('a', { options: { num_ctx: 8 } }), 'bad-request', /`options`: move its keys into/],
    ['chat_template', question('a', { chat_template: 'x' }), 'bad-request', /whole run, with --chat-template\.$/],
    ['typo', question('a', { temprature: 1 }), 'bad-request', /`temprature`: did you mean `temperature`\?$/],
    ['detokenize', question('a', { detokenize: false }), 'bad-request', /vllm can't honour `detokenize`: remove it/],
    ['beams', question('a', { use_beam_search: true }), 'bad-request', /`use_beam_search`: remove it/],
    ['ids', question('a', { return_token_ids: true }), 'bad-request', /`return_token_ids`: remove it/],
    ['label ids', question('a', { logprob_token_ids: [1] }), 'bad-request', /`logprob_token_ids`: remove it/],
    [
      'detection of nothing',
      question('a', { repetition_detection: { max_pattern_size: 1, min_pattern_size: 2 } }),
      'bad-request',
      /min_pattern_size <= max_pattern_size/,
    ],
    ['priority', question('a', { priority: 1 }), 'bad-request', /--option scheduling_policy=priority/],
    ['too long', question(long), 'context-too-long', /^The prompt has 5,0\d\d tokens, and the context window 4,096: /],
    ['temperature', question('a', { temperature: 3 }), 'bad-request', /temperature must be in \[0, 2\], got 3/],
    ['greedy n', question('a', { n: 2 }), 'bad-request', /n must be 1 when using greedy sampling/],
    ['max_tokens', question('a', { max_tokens: 0 }), 'bad-request', /max_tokens must be at least 1/],
    ['token of logit_bias', question('a', { logit_bias: { 99999: 1 } }), 'bad-request', /out-of-vocab/],
    ['top_logprobs', question('a', { logprobs: true, top_logprobs: 21 }), 'bad-request', /max allowed: 20/],
    ['logprobs of a completion', question('a', { logprobs: 3 }), 'bad-request', /a chat wants true or false/],
    ['top_logprobs alone', question('a', { top_logprobs: 3 }), 'bad-request', /of no use without/],
    ['effort', question('a', { reasoning_effort: 5 }), 'bad-request', /`reasoning_effort` is 5/],
    ['private', question('a', { structured_outputs: { regex: 'a', _backend: 'x' } }), 'bad-request', /no _backend/],
    ['schema', question('a', form({ type: 'wibble' })), 'bad-request', /Grammar error/],
    ['response_format', question('a', { response_format: { type: 'x' } }), 'bad-request', /response_format x/],
    ['two forms', question('a', { structured_outputs: { regex: 'a', choice: ['a'] } }), 'bad-request', /only use one/],
    ['tool_choice', question('a', { tool_choice: 'required' }), 'bad-request', /`tool_choice`/],
    ['image', chat([{ role: 'user', content: [{ type: 'image_url' }] }]), 'bad-request', /messages\[0\].*"image_url"/],
    ['role', chat([{ role: 'user\n', content: 'a' }]), 'bad-request', /role/],
    ['service_tier', question('a', { service_tier: 'flex' }), 'bad-request', /`service_tier`/],
    ['kwargs', question('a', { chat_template_kwargs: { tokenize: true } }), 'bad-request', /can't hold `tokenize`/],
    ['embedding', at('/v1/embeddings', { input: 'a' }), 'bad-request', /makes no embeddings/],
    ['empty prompt', at('/v1/completions', { prompt: '' }), 'bad-request', /`prompt` is no text/],
    ['no text', at('/v1/completions', { prompt: 7 }), 'bad-request', /`prompt` is no text/],
    [
      'cut by the window',
      question('y'.repeat(3000)),
      'truncated',
      /window of 4,096 was full.*prompt 3,0\d\d, answer 1,0/,
    ],
    ['repetition', question('End by repetition'), 'repetition', /repeated itself/],
    ['abort', question('End by abort'), 'server-error', /"abort"/],
    ['error', question('End by error'), 'server-error', /"error"/],
  ])('%s', async (_name, request, kind, message) => {
    const { backend, restarts } = vllm();
    const others = candidates.slice(0, 20);
    const [answer, ...right] = await Promise.all([
      ask(backend, request),
      ...others.map((other) => say(backend, other.request)),
    ]);
    expect(answer).toMatchObject({ status: 'failed', kind, message: expect.stringMatching(message) as string });
    expect(answer.status === 'failed' && answer.message).toMatch(/[^.][.?]$/);
    expect(right).toEqual(others.map((other) => other.answer));
    expect(restarts).toEqual([]);
  });
});

test('an answer that is none has cost its tokens all the same', async () => {
  const answer = await ask(vllm().backend, question('y'.repeat(3000)));
  const { usage } = answer as Failure;
  expect(answer).toMatchObject({ status: 'failed', kind: 'truncated' });
  expect(usage?.total_tokens).toBe(4096);
  expect(usage?.prompt_tokens).toBeGreaterThan(3000);
});

test('a request that is nested too deep for Python fails alone', async () => {
  const { backend, restarts } = vllm();
  let deep: unknown = [];
  for (let level = 0; level < 2000; level++) deep = [deep];
  const answer = await ask(backend, question('a', { metadata: deep }));
  expect(answer).toMatchObject({
    kind: 'bad-request',
    message: expect.stringMatching(/^vllm can't read the request: .*recursion/) as string,
  });
  expect(await say(backend, question('and on'))).toBe('and on');
  expect(restarts).toEqual([]);
});

// Each of them ends a real engine, or silences it, when it gets there.
test.each<[string, unknown, string]>([
  ['seed', 2 ** 70, 'a whole number'],
  ['seed', 1.5, 'a whole number'],
  ['max_tokens', 2.5, 'a whole number'],
  ['n', true, 'a whole number'],
  ['temperature', 'hot', 'a number'],
  ['ignore_eos', 'yes', 'true or false'],
  ['include_stop_str_in_output', 1, 'true or false'],
  ['stop', [['a']], 'a text or a list of texts'],
  ['bad_words', 'ab', 'a list of texts'],
  ['stop_token_ids', ['a'], 'a list of tokens'],
  ['allowed_token_ids', 5, 'a list of tokens'],
  ['logit_bias', [5], 'an object'],
  ['response_format', 'json', 'an object'],
  ['chat_template_kwargs', [1], 'an object'],
  ['repetition_detection', { max_pattern_size: 'x' }, 'an object of whole numbers'],
  ['watermarking', 'yes', 'true or false'],
])('%s of the wrong type: %j', async (key, value, wanted) => {
  const answer = await ask(vllm().backend, question('a', { [key]: value }));
  expect(answer).toMatchObject({
    kind: 'bad-request',
    message: expect.stringMatching(`^\`${key}\` is .*: vllm wants ${wanted}\\.$`) as string,
  });
});

test('an answer that max_tokens cuts is told as the user asked for it', async () => {
  const { backend } = vllm();
  const { body } = await complete(backend, question('z'.repeat(50), { max_tokens: 7 }));
  expect(body.choices?.[0]).toMatchObject({ message: { content: 'z'.repeat(7) }, finish_reason: 'length' });
  expect(body.usage?.completion_tokens).toBe(7);
});

test.each<[Record<string, unknown>, string]>([
  [{ repetition_detection: { max_pattern_size: 4, min_count: 3 } }, 'So it is!'],
  [{ watermarking: false }, 'So it is!'],
  [{ include_stop_str_in_output: true, stop: [' is'] }, 'So it is'],
  [{ skip_special_tokens: false, spaces_between_special_tokens: false }, 'So it is!<|im_end|>'],
])("the engine's own keys get there: %j", async (keys, answer) => {
  expect(await say(vllm().backend, question('So it is!', keys))).toBe(answer);
});
