import { describe, expect, test } from 'vitest';
import type { Completion } from '../../../src/core/completion.ts';
import type { BatchRequest } from '../../../src/core/request.ts';
import { openFakeVllm } from '../../helpers/fake-vllm.ts';
import { candidates, chat } from '../candidates.ts';
import { at, complete, form, question, say, shareVllm, textOf } from './asking.ts';

describe.each(['cpu', 'cuda'] as const)('on %s', (platform) => {
  const vllm = shareVllm({ platform });

  test('500 in flight are each answered right, with the tokens that are counted and the time to the first', async () => {
    const { backend } = vllm();
    const answers = await Promise.all(candidates.map(({ request }) => complete(backend, request)));
    expect(answers.map(textOf)).toEqual(candidates.map(({ answer }) => answer));
    for (const { body, ttftMs, queueMs } of answers) {
      const { prompt_tokens: prompt, completion_tokens: completion, total_tokens: total } = body.usage!;
      expect([prompt > 20, completion > 5, total]).toEqual([true, true, prompt + completion]);
      expect(ttftMs! >= queueMs! && queueMs! >= 0).toBe(true);
    }
  });

  test('a prefix that was seen before comes from the cache', async () => {
    const { backend } = vllm();
    const system = { role: 'system', content: 'Be brief, be kind, and say what you were told. '.repeat(4) };
    const asked = (content: string): BatchRequest => chat([system, { role: 'user', content }], { temperature: 0 });
    const cached: number[] = [];
    for (const content of ['one', 'two']) {
      const { body } = await complete(backend, asked(content));
      cached.push(body.usage!.prompt_tokens_details!.cached_tokens);
    }
    expect(cached[0]).toBe(0);
    expect(cached[1]).toBeGreaterThan(150);
  });
});

const vllm = shareVllm();

test('requests with one id do not meet in the engine', async () => {
  const { backend, restarts } = vllm();
  const asked = candidates.slice(0, 100).map(({ request }) => ({ ...request, id: 'the same' }));
  const answers = await Promise.all(asked.map((request) => say(backend, request)));
  expect(answers).toEqual(candidates.slice(0, 100).map(({ answer }) => answer));
  expect(restarts).toEqual([]);
});

describe('completions', () => {
  test('a text with its BOS, a text without, and tokens', async () => {
    const { backend } = vllm();
    const tokens = async (changes: object): Promise<number> => {
      const { body } = await complete(backend, at('/v1/completions', { temperature: 0, ...changes }));
      expect(body).toMatchObject({ object: 'text_completion', choices: [{ text: 'sql' }] });
      return body.usage!.prompt_tokens;
    };
    const withBos = await tokens({ prompt: 'sql' });
    expect([withBos, await tokens({ prompt: 'sql', add_special_tokens: false })]).toEqual([2, 1]);
  });

  test('with log probabilities', async () => {
    const { backend } = vllm();
    const { body } = await complete(
      backend,
      at('/v1/completions', { prompt: 'sql, java', temperature: 0, logprobs: 2 }),
    );
    expect(body.choices?.[0]?.['logprobs']).toMatchObject({
      tokens: ['sql', ', ', 'java', '<|im_end|>'],
      text_offset: [0, 3, 5, 9],
      token_logprobs: [-0.1, -0.1, -0.1, -0.1],
    });
  });
});

describe('sampling', () => {
  test('n answers, the same ones for the same seed', async () => {
    const { backend } = vllm();
    const asked = (seed: number): Promise<Completion> =>
      complete(backend, question('hi', { n: 3, temperature: 1, seed }));
    const texts = async (seed: number): Promise<unknown[]> =>
      (await asked(seed)).body.choices!.map(({ message }) => message?.content);
    const [first, again, other] = [await texts(1), await texts(1), await texts(99)];
    expect(new Set(first).size).toBe(3);
    expect([again, other.some((text) => first.includes(text))]).toEqual([first, false]);
    const { body } = await asked(1);
    expect(body.choices!.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(body.usage!.completion_tokens).toBeGreaterThan(3 * 3);
  });

  test("the model's own defaults are under the request's values", async () => {
    const { backend } = await openFakeVllm({}, { model: 'fake/warm' });
    const answer = await complete(backend, question('abcdef', { temperature: null }));
    expect(answer.body.choices?.[0]).toMatchObject({ message: { content: 'abc' }, finish_reason: 'length' });
    expect(await say(backend, question('abcdef', { max_completion_tokens: 4 }))).toBe('abcd');
    const cold = await openFakeVllm({}, { model: 'fake/warm', options: { generation_config: 'vllm' } });
    expect(await say(cold.backend, question('abcdef'))).toBe('abcdef');
  });

  test('log probabilities of a chat', async () => {
    const { backend } = vllm();
    const { body } = await complete(backend, question('sql', { logprobs: true, top_logprobs: 2 }));
    const { content } = body.choices![0]!['logprobs'] as { content: Record<string, unknown>[] };
    expect(content[0]).toMatchObject({ token: 'sql', logprob: -0.1, bytes: [115, 113, 108] });
    expect(content[0]!['top_logprobs']).toHaveLength(2);
    const none = await complete(backend, question('sql', { logprobs: true }));
    expect(none.body.choices?.[0]?.['logprobs']).toMatchObject({ content: [{ token: 'sql', top_logprobs: [] }, {}] });
  });

  test('log probabilities of a prompt come where vLLM’s own server has them, and are numbers', async () => {
    const { backend } = vllm();
    const { body } = await complete(backend, question('sql', { prompt_logprobs: 1 }));
    const positions = body['prompt_logprobs'] as (Record<string, { logprob: number }> | null)[];
    expect(positions).toHaveLength(body.usage!.prompt_tokens);
    expect(positions[0]).toBeNull();
    expect(Object.values(positions.at(-1)!)[0]).toMatchObject({ logprob: -9999, rank: 1 });
    const raw = at('/v1/completions', { prompt: 'sql', temperature: 0, prompt_logprobs: 0 });
    expect((await complete(backend, raw)).body.choices?.[0]).toHaveProperty('prompt_logprobs');
  });

  test('stops where it is told to', async () => {
    const { backend } = vllm();
    const { body, finish } = await complete(backend, question('one END two', { stop: ['END'] }));
    expect([textOf({ body } as Completion), finish]).toEqual(['one ', { reason: 'stop', stop: 'END' }]);
  });

  test('structured outputs', async () => {
    const { backend } = vllm();
    const schema = { type: 'object', properties: { city: { type: 'string' } } };
    expect(await say(backend, question('Oslo', form(schema)))).toBe('{"city": "Oslo"}');
    expect(await say(backend, question('Oslo', { response_format: { type: 'json_object' } }))).toBe(
      '{"answer": "Oslo"}',
    );
    expect(await say(backend, question('?', { structured_outputs: { choice: ['yes', 'no'] } }))).toBe('yes');
    expect(await say(backend, question('?', { structured_outputs: { regex: 'a{5}' } }))).toBe('aaaaa');
  });
});

test('a thinking is split off where a parser is asked for', async () => {
  const { backend } = await openFakeVllm({}, { options: { reasoning_parser: 'deepseek_r1' } });
  const { body } = await complete(backend, question('<think>hm</think>yes'));
  expect(body.choices?.[0]?.message).toEqual({ role: 'assistant', content: 'yes', reasoning_content: 'hm' });
});

test('tool calls are found where a parser is asked for', async () => {
  const { backend } = await openFakeVllm({}, { options: { tool_call_parser: 'hermes' } });
  const called = '<tool_call>{"name":"find","arguments":{"skill":"sql"}}</tool_call>';
  const tools = [{ type: 'function', function: { name: 'find' } }];
  const { body } = await complete(backend, question(called, { tools }));
  expect(body.choices?.[0]).toMatchObject({
    message: {
      content: '',
      tool_calls: [{ type: 'function', function: { name: 'find', arguments: '{"skill": "sql"}' } }],
    },
    finish_reason: 'tool_calls',
  });
  expect(await say(backend, question(called))).toBe(called);
});
