import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { isRejected } from '../../../src/core/request.ts';
import { readRequest } from '../../../src/input/read-request.ts';

const read = (line: unknown) =>
  readRequest({ bytes: Buffer.from(JSON.stringify(line)), tooLong: false }, 1, {
    model: 'mock',
    system: null,
    template: null,
    parameters: {},
    idField: null,
    form: 'jsonl',
  });

function reasonOf(line: unknown): string {
  const found = read(line);
  if (!isRejected(found)) throw new Error('the line became a request');
  return found.reason;
}

const asked = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'Hi' },
];
const hi = { role: 'user', content: 'Hi' };

describe('a line of another API is named with the command that turns it into requests', () => {
  test.each<[string, object, object]>([
    [
      'an Anthropic batch line',
      { custom_id: 'a', params: { max_tokens: 9, system: [{ type: 'text', text: 'Be brief.' }], messages: [hi] } },
      { id: 'a', body: { max_tokens: 9, messages: asked } },
    ],
    [
      'a Gemini request',
      {
        key: 'a',
        request: {
          systemInstruction: { parts: [{ text: 'Be brief.' }] },
          contents: [{ role: 'user', parts: [{ text: 'Hi' }] }],
          generationConfig: { temperature: 0 },
        },
      },
      { id: 'a', body: { temperature: 0, messages: asked } },
    ],
    ['a Gemini request', { id: 'a', contents: [{ parts: [{ text: 'Hi' }] }] }, { id: 'a', body: { messages: [hi] } }],
    [
      'a Bedrock batch line',
      { recordId: 'a', modelInput: { anthropic_version: 'bedrock-2023-05-31', max_tokens: 9, messages: [hi] } },
      { id: 'a', body: { max_tokens: 9, messages: [hi] } },
    ],
    [
      'a ShareGPT conversation',
      {
        id: 'a',
        conversations: [
          { from: 'system', value: 'Be brief.' },
          { from: 'human', value: 'Hi' },
          { from: 'gpt', value: 'Yes?' },
        ],
      },
      { id: 'a', body: { messages: asked } },
    ],
    [
      "Hugging Face's API",
      { id: 'a', inputs: 'Hi', parameters: { max_new_tokens: 9 } },
      { id: 'a', body: { max_tokens: 9, messages: [hi] } },
    ],
    [
      'the Responses API',
      {
        custom_id: 'a',
        url: '/v1/responses',
        body: {
          instructions: 'Be brief.',
          input: [{ role: 'user', content: [{ type: 'input_text', text: 'Hi' }] }],
          max_output_tokens: 9,
          text: { format: { type: 'text' } },
        },
      },
      {
        id: 'a',
        body: { max_tokens: 9, messages: [asked[0], { role: 'user', content: [{ type: 'text', text: 'Hi' }] }] },
      },
    ],
    ['the Responses API', { model: 'm', input: 'Hi', instructions: 'Be brief.' }, { body: { messages: asked } }],
    [
      "Anthropic's API",
      { custom_id: 'a', url: '/v1/messages', body: { system: 'Be brief.', messages: [hi] } },
      { id: 'a', body: { messages: asked } },
    ],
    ['ShareGPT', { id: 'a', messages: [{ from: 'human', value: 'Hi' }] }, { id: 'a', body: { messages: [hi] } }],
  ])('%s', (name, line, request) => {
    const reason = reasonOf(line);
    expect(reason).toContain(name);
    const [, program = ''] = /jq -c '(.*)' input\.jsonl/.exec(reason) ?? [];
    const turned = execFileSync('jq', ['-c', program], { input: JSON.stringify(line), encoding: 'utf8' });
    expect(read(JSON.parse(turned))).toMatchObject(request);
  });
});

test.each([
  [{ instruction: 'Say', input: '', output: 'Yes' }, "an Alpaca line: give --prompt-template '{{instruction}}"],
  [{ id: 1, question: 'Hi?', choices: ['a'] }, "--prompt-template '{{question}}'"],
  [{ id: 1, label: 'x', text: 'Hi' }, "--prompt-template '{{text}}'"],
  [{ id: 1, city: 'Lima' }, "--prompt-template '{{city}}'"],
  [{ id: 1, points: 5 }, 'fields of other names need --prompt-template'],
  [{ id: 'x', custom_id: 'a', response: { status_code: 200, body: {} } }, "a line of a batch's results"],
  [{ body: { prompt: ['a', 'b'] } }, 'is a list of 2 prompts'],
  [{ prompt: [1, 2] }, 'token ids'],
  [{ messages: [{ role: 'human', content: 'Hi' }] }, '"role" is "human": write "user"'],
  [{ messages: [{ role: 'User', content: 'Hi' }] }, '"role" is "User": write "user"'],
])('%j is told what to do: %s', (line, wanted) => {
  expect(reasonOf(line)).toContain(wanted);
});
