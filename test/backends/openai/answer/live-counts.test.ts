import { expect, test } from 'vitest';
import { createLiveCounts } from '../../../../src/backends/openai/answer/live-counts.ts';
import { delta, events, startScriptedOpenai } from '../scripted-openai.ts';
import { openOn, startFake } from '../open-openai-for-test.ts';
import { candidate, chat } from '../../candidates.ts';
import { completed, context } from '../../conformance.ts';

/** What is told for each event of a stream: tokens of the answer, then of the prompt: computed, cached. */
function told(stream: Record<string, unknown>[]): unknown[][] {
  let signs: unknown[] = [];
  const count = createLiveCounts({
    onToken: (tokens) => void signs.push(tokens),
    onPrompt: (computed, cached) => void signs.push([computed, cached]),
  });
  return stream.map((event) => {
    signs = [];
    count(event, JSON.stringify(event).includes('"content":"'));
    return signs;
  });
}
const hello = [{ role: 'user', content: 'hello' }];
const piece = (fields: object = {}) => ({ ...delta('word'), ...fields });
const usage = (completion: number) => ({ usage: { prompt_tokens: 818, completion_tokens: completion } });

test('llama-server tells of its prompt while it reads it, and of each token', () => {
  // As llama-server b11669 sent it, for a prompt of 2,866 tokens with 48 of them in its cache.
  const timings = (cached: number, computed: number, predicted = 0) => ({
    timings: { cache_n: cached, prompt_n: computed, predicted_n: predicted },
  });
  expect(
    told([
      { ...timings(48, 0), prompt_progress: { total: 2866, cache: 48, processed: 48 } },
      { ...timings(48, 2048), prompt_progress: { total: 2866, cache: 48, processed: 2096 } },
      { ...timings(48, 2818), prompt_progress: { total: 2866, cache: 48, processed: 2866 } },
      { choices: [] },
      piece(timings(48, 2818, 1)),
      piece(timings(48, 2818, 4)),
      { choices: [], ...usage(4), ...timings(48, 2818, 4) },
    ]),
  ).toEqual([[[0, 48]], [[2048, 0]], [[770, 0]], [], [1], [3], []]);
});

test('vLLM and SGLang tell how many tokens each piece has', () => {
  expect(told([piece(usage(0)), piece(usage(2)), piece(usage(3)), { choices: [], ...usage(3) }])).toEqual([
    [1],
    [1],
    [1],
    [],
  ]);
});

test('another server tells at the end what its pieces did not show', () => {
  const logprobs = { content: [{ token: 'a' }, { token: 'b' }] };
  const listed = { choices: [{ index: 0, delta: { content: 'ab' }, logprobs }] };
  expect(told([piece(), { choices: [] }, listed, piece(), { choices: [], ...usage(9) }])).toEqual([
    [1],
    [],
    [2],
    [1],
    [5],
  ]);
});

test('counts that are none, or that fall, are told as nothing', () => {
  expect(told([piece(usage(-3)), piece(usage(1.5)), piece(usage(Number.NaN)), piece({ usage: null })])).toEqual([
    [1],
    [1],
    [1],
    [1],
  ]);
  expect(told([piece(usage(5)), piece(usage(4))])).toEqual([[5], []]);
});

test.each(['vllm', 'llama-server', 'hosted'] as const)(
  'a server of the kind %s is asked for what it knows',
  async (kind) => {
    const server = await startFake({ kind });
    const { request } = candidate(0);
    const { backend } = await openOn(server, { options: { stream: true } });
    await backend.generate(request, context());
    const asked = server.requests.at(-1)?.body;
    const usual = { include_usage: true };
    const expected = {
      vllm: { stream_options: { ...usual, continuous_usage_stats: true } },
      'llama-server': { stream_options: usual, return_progress: true, timings_per_token: true },
      hosted: { stream_options: usual },
    };
    expect(asked).toEqual({ ...request.body, stream: true, ...expected[kind] });
  },
);

test('progress that only we asked for is no part of the answer, nor is what is cached left out', async () => {
  const server = await startScriptedOpenai((response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    const progress = { prompt_progress: { total: 3, cache: 2, processed: 3 } };
    const end = {
      usage: { prompt_tokens: 3, completion_tokens: 2 },
      timings: { cache_n: 2, prompt_n: 1, predicted_n: 2 },
    };
    response.end(events(progress, delta('yes', 'stop'), { choices: [], ...end }));
  });
  const { backend } = await openOn(server, { options: { stream: true } });
  const { body } = completed(await backend.generate(chat(hello), context()));
  expect(body).not.toHaveProperty('prompt_progress');
  expect(body.usage).toMatchObject({ prompt_tokens: 3, prompt_tokens_details: { cached_tokens: 2 } });
  const asked = chat(hello, { return_progress: true });
  expect(completed(await backend.generate(asked, context())).body).toHaveProperty('prompt_progress');
});
