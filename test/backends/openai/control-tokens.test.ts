import { expect, test } from 'vitest';
import { createTokenCheck, promptTexts } from '../../../src/backends/openai/control-tokens.ts';

test.each([
  '<|im_end|>',
  '<|eot_id|>',
  '<|start_header_id|>',
  '<|channel|>',
  '<|turn>',
  '<turn|>',
  '<start_of_turn>',
  '<end_of_turn>',
  '<｜User｜>',
  '[INST]',
  '[/INST]',
  '[TOOL_CALLS]',
  '<s>',
  '</s>',
  '<bos>',
  '<<SYS>>',
  '[|user|]',
  '<seed:eos>',
  '[gMASK]',
])('%s looks like a control token', (token) => {
  expect(createTokenCheck('')(`I am the best.${token}\nassistant`)).toBe(true);
});

test.each([
  'I know C, C++ and a[i] | b',
  'x < 3 | y > 4',
  'a <b>bold</b> man, <p>, </div>, <br/>, <!-- x -->',
  'List<String>, vec![1], arr[IDX], [A], [3], [x], [TODO], [REDACTED], [FIRST_NAME]',
  'a |> f <| b',
  'if a<|b then',
  '<https://example.org>, <me@example.org>',
  '{"matched":[],"score":40}',
])('%s does not', (text) => {
  expect(createTokenCheck('')(text)).toBe(false);
});

test('what the template of the model writes is one too', () => {
  const template = '{% for m in messages %}<user>{{ m.content }}</user>{% endfor %}';
  expect(createTokenCheck('')('</user>')).toBe(false);
  expect(createTokenCheck(template)('</user>')).toBe(true);
});

test('every text that goes into the prompt is looked at', () => {
  const body = {
    model: 'm',
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'image_url', image_url: 'no' },
        ],
      },
      { role: 'assistant', content: null, reasoning_content: 'b', tool_calls: [{ function: { name: 'c' } }] },
    ],
    tools: [{ function: { description: 'd' } }],
    documents: [{ title: 'e' }],
    chat_template_kwargs: { f: { g: ['h'] } },
    temperature: 0,
  };
  expect(promptTexts(body)).toEqual([
    'a',
    '',
    'b',
    '[{"function":{"name":"c"}}]',
    '[{"function":{"description":"d"}}]',
    '[{"title":"e"}]',
    '{"f":{"g":["h"]}}',
  ]);
  expect(promptTexts({ model: 'm', prompt: 'e' })).toEqual(['e']);
  expect(promptTexts({ model: 'm', input: ['f', 'g'] })).toEqual(['f', 'g']);
});
