import { expect, test } from 'vitest';
import { createCollector } from '../../../../src/backends/openai/answer/collect-answer.ts';

const head = { id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'm' };
const part = (index: number, delta: object, more: object = {}) => ({
  ...head,
  choices: [{ index, delta, finish_reason: null, ...more }],
});

function collect(...events: Record<string, unknown>[]): Record<string, unknown> {
  const collector = createCollector();
  for (const event of events) collector.add(event);
  return collector.body();
}

test('texts grow, the reasoning apart from the answer, and counters come last', () => {
  const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
  const body = collect(
    part(0, { role: 'assistant', content: '' }),
    part(0, { reasoning_content: 'Let me ' }),
    part(0, { role: 'assistant', reasoning_content: 'see.', content: null }),
    part(0, { content: 'A' }),
    part(0, { content: 'B' }, { finish_reason: 'stop', stop_reason: 7 }),
    { ...head, choices: [], usage },
    { ...head, choices: [], usage: null },
  );
  expect(body).toEqual({
    ...head,
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        finish_reason: 'stop',
        stop_reason: 7,
        message: { role: 'assistant', content: 'AB', reasoning_content: 'Let me see.' },
      },
    ],
    usage,
  });
});

test('choices come mixed, and stand in order', () => {
  const body = collect(part(1, { content: 'b' }), part(0, { content: 'a' }), part(1, { content: 'B' }));
  expect(body['choices']).toMatchObject([{ message: { content: 'a' } }, { message: { content: 'bB' } }]);
});

test('calls of tools, in parts', () => {
  const call = (index: number, more: object) => part(0, { tool_calls: [{ index, ...more }] });
  const body = collect(
    call(0, { id: 'x', type: 'function', function: { name: 'look', arguments: '' } }),
    call(0, { function: { arguments: '{"a"' } }),
    call(1, { id: 'y', type: 'function', function: { name: 'see', arguments: '{}' } }),
    call(0, { function: { arguments: ':1}' } }),
    part(0, {}, { finish_reason: 'tool_calls' }),
  );
  const message = {
    content: null,
    tool_calls: [
      { id: 'x', type: 'function', function: { name: 'look', arguments: '{"a":1}' } },
      { id: 'y', type: 'function', function: { name: 'see', arguments: '{}' } },
    ],
  };
  expect(body['choices']).toMatchObject([{ message, finish_reason: 'tool_calls' }]);
});

test.each([1e9, 128, -1, 0.5])('a call of a tool with the index %d is no part of an answer', (index) => {
  const call = part(0, { tool_calls: [{ index, function: { name: 'look' } }] });
  expect(() => collect(call)).toThrow(expect.objectContaining({ name: 'BrokenAnswer', kind: 'invalid-response' }));
});

test('calls of tools that come whole, without an index', () => {
  const call = (name: string) => ({ id: name, function: { name, arguments: { a: 1 } } });
  const body = collect(part(0, { tool_calls: [call('f'), call('g')] }));
  const wholeCall = (name: string) => ({ id: name, type: 'function', function: { name, arguments: '{"a":1}' } });
  expect(body['choices']).toMatchObject([{ message: { tool_calls: [wholeCall('f'), wholeCall('g')] } }]);
});

test('logprobs are joined', () => {
  const body = collect(
    part(0, { content: 'a' }, { logprobs: { content: [{ token: 'a' }], refusal: null } }),
    part(0, { content: 'b' }, { logprobs: { content: [{ token: 'b' }] } }),
    part(0, {}, { logprobs: null }),
  );
  expect(body['choices']).toMatchObject([{ logprobs: { content: [{ token: 'a' }, { token: 'b' }] } }]);
});

test('completions', () => {
  const piece = (text: string, logprobs: object, finish: string | null = null) => ({
    object: 'text_completion',
    choices: [{ index: 0, text, logprobs, finish_reason: finish }],
  });
  const body = collect(
    piece('a', { tokens: ['a'], text_offset: [0] }),
    piece('b', { tokens: ['b'], text_offset: [1] }, 'stop'),
  );
  expect(body).toEqual({
    object: 'text_completion',
    choices: [{ index: 0, text: 'ab', logprobs: { tokens: ['a', 'b'], text_offset: [0, 1] }, finish_reason: 'stop' }],
  });
});

test.each([
  [{ content: '' }, false],
  [{ role: 'assistant', content: null }, false],
  [{ content: 'a' }, true],
  [{ reasoning: 'a' }, true],
  [{ tool_calls: [{ index: 0 }] }, true],
])('%j says something: %s', (delta, says) => {
  const collector = createCollector();
  collector.add(part(0, delta));
  expect(collector.hasToken()).toBe(says);
});

test('calls of tools that are all numbered alike, and come whole', () => {
  const call = (name: string) => ({ index: 0, id: name, function: { name, arguments: '{"a":1}' } });
  const body = collect(part(0, { tool_calls: [call('f')] }), part(0, { tool_calls: [call('g')] }));
  const wholeCall = (name: string) => ({ id: name, type: 'function', function: { name, arguments: '{"a":1}' } });
  expect(body['choices']).toMatchObject([{ message: { tool_calls: [wholeCall('f'), wholeCall('g')] } }]);
});

test.each([{ index: 0, id: 'new for each part' }, {}])('the parts of a call have no name: %j', (more) => {
  const body = collect(
    part(0, { tool_calls: [{ ...more, id: 'x', function: { name: 'f', arguments: '{"a"' } }] }),
    part(0, { tool_calls: [{ ...more, function: { arguments: ':1}' } }] }),
  );
  expect(body['choices']).toMatchObject([
    { message: { tool_calls: [{ function: { name: 'f', arguments: '{"a":1}' } }] } },
  ]);
});
