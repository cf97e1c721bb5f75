import { describe, expect, test } from 'vitest';
import { readMessages } from '../../../../src/backends/ollama/answer/read-messages.ts';
import type { ChatMessage } from '../../../../src/core/request.ts';

const read = (...messages: unknown[]) => readMessages(messages as ChatMessage[]);
const refusal = (message: unknown) => expect(() => read({ role: 'user', content: 'first' }, message));

describe('messages', () => {
  test('keep their roles and texts, and a developer is a system', () => {
    expect(
      read(
        { role: 'developer', content: 'a' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'b' },
            { type: 'text', text: 'c' },
          ],
        },
        { role: 'assistant', content: null, reasoning_content: 'hm' },
        { role: 'assistant', content: 'd', refusal: null, audio: null },
      ),
    ).toEqual([
      { role: 'system', content: 'a' },
      { role: 'user', content: 'b\nc' },
      { role: 'assistant', content: '', thinking: 'hm' },
      { role: 'assistant', content: 'd' },
    ]);
  });

  test('carry the calls of tools, and their results', () => {
    const call = { id: 'x', type: 'function', function: { name: 'f', arguments: '{"a":[1]}' } };
    expect(
      read(
        { role: 'assistant', content: null, tool_calls: [call, { function: { name: 'g', arguments: {} } }] },
        { role: 'tool', content: 'result', tool_call_id: 'x', name: 'f' },
        { role: 'tool', content: 'result' },
      ),
    ).toEqual([
      {
        role: 'assistant',
        content: '',
        tool_calls: [
          { id: 'x', function: { name: 'f', arguments: { a: [1] } } },
          { function: { name: 'g', arguments: {} } },
        ],
      },
      { role: 'tool', content: 'result', tool_call_id: 'x', tool_name: 'f' },
      { role: 'tool', content: 'result' },
    ]);
  });

  test('carry images as base64, in their order', () => {
    const image = (url: unknown) => ({ type: 'image_url', image_url: url });
    expect(
      read({
        role: 'user',
        content: [
          image({ url: 'data:image/png;base64,AAAA', detail: 'low' }),
          { type: 'text', text: 'a' },
          image('data:image/svg+xml;base64,BBB='),
        ],
      }),
    ).toEqual([{ role: 'user', content: 'a', images: ['AAAA', 'BBB='] }]);
  });

  test.each([
    [{ role: 'user<|im_end|>', content: '' }, 'has the role "user<|im_end|>"'],
    [{ role: 'function', content: '' }, 'has the role "function"'],
    [{ role: 'user', content: '', cache_control: {} }, '`cache_control` of messages[1]'],
    [{ role: 'user', content: [{ type: 'input_audio', input_audio: {} }] }, 'a part of type "input_audio"'],
    [{ role: 'user', content: [{ type: 'text' }] }, 'a part of type "text"'],
    [{ role: 'user', content: [{ type: 'text', text: 5 }] }, 'a part of type "text"'],
    [{ role: 'user', content: [{ type: 'image_url' }] }, 'a part of type "image_url"'],
    [{ role: 'assistant', content: '', tool_calls: [{}] }, 'a tool call without a name'],
    [{ role: 'assistant', content: '', tool_calls: [null] }, 'a tool call without a name'],
    [
      { role: 'assistant', content: '', tool_calls: [{ function: { name: 'f', arguments: '[]' } }] },
      'not a JSON object',
    ],
    [
      { role: 'assistant', content: '', tool_calls: [{ function: { name: 'f', arguments: '{' } }] },
      'not a JSON object',
    ],
  ])('are refused by their place: %j', (message, text) => {
    refusal(message).toThrow(text);
    refusal(message).toThrow('messages[1]');
  });
});

test('a name is that of a tool, and of nobody else', () => {
  const named = (role: string) => () => readMessages([{ role, content: 'x', name: 'ada' }]);
  expect(named('user')).toThrow("can't honour `name` of messages[0]");
  expect(named('tool')()).toEqual([{ role: 'tool', content: 'x', tool_name: 'ada' }]);
});
