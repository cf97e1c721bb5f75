import { describe, expect, test } from 'vitest';
import { requestKeys } from '../../src/core/request-keys/request-keys.ts';
import { type BatchRequest, type ReadLine, isRejected } from '../../src/core/request.ts';
import { readRequest } from '../../src/input/read-request.ts';
import { noDefaults } from './scan-text.ts';

const read = (line: object): ReadLine =>
  readRequest({ bytes: Buffer.from(JSON.stringify(line)), tooLong: false }, 1, { ...noDefaults, form: 'jsonl' });

function request(line: object): BatchRequest {
  const found = read(line);
  if (isRejected(found)) throw new Error(found.reason);
  return found;
}

function reason(line: object): string {
  const found = read(line);
  if (!isRejected(found)) throw new Error('the line became a request');
  return found.reason;
}

const user = { role: 'user', content: 'Hi' };
const forms = [{ prompt: 'Hi' }, { messages: [user] }];

test('every key that an engine or API knows is a key of the request, or refused by name, and never data', () => {
  const data = [...requestKeys].filter(([name, { isByType, isLabel }]) => {
    if (isByType === true || isLabel === true) return false;
    const found = read({ prompt: 'Hi', [name]: { no: 'such value' } });
    return isRejected(found)
      ? !found.reason.includes(`"${name}"`)
      : !(name in found.body) || found.rowJson !== undefined;
  });
  expect(data.map(([name]) => name)).toEqual([]);
});

describe.each(forms)('beside %j', (form) => {
  test.each([
    [{ max_new_tokens: 3 }, '"max_new_tokens" is a key that no engine here has: use `max_tokens`'],
    [{ sampling_params: { n: 1 } }, '"sampling_params"'],
    [{ system_prompt: 'Be brief.' }, 'use `system`'],
    [{ instructions: 'Be brief.' }, 'use `system`'],
    [{ extra_body: { top_k: 1 } }, '"extra_body"'],
    [{ max_tokens: 'ten' }, '"max_tokens" is "ten", not a whole number'],
    [{ temperature: '0.5' }, '"temperature" is "0.5", not a number'],
    [{ stop: [1] }, '"stop" is [1], not a text or a list of texts'],
    [{ tools: {} }, '"tools" is {}, not a list of objects'],
  ])('%j is refused by name', (keys, wanted) => {
    expect(reason({ ...form, ...keys })).toContain(wanted);
    expect(reason({ body: { ...form, ...keys } })).toContain(wanted);
  });

  test('names that are likely ones for data are keys with a value of their type alone', () => {
    const data = { options: ['red', 'blue'], context: 'a text', reasoning: 'because', schema: 'old', images: 'a.png' };
    expect(JSON.parse(request({ ...form, ...data }).rowJson ?? '')).toEqual(data);
    const keys = { options: { num_ctx: 4 }, format: 'json', images: ['aGk='] };
    const found = request({ ...form, ...keys });
    expect(found.body).toMatchObject(keys);
    expect(found.rowJson).toBeUndefined();
  });

  test('what only labels a request is sent, and stays with the row', () => {
    const labels = { user: 'ann', metadata: { set: 'a' } };
    const found = request({ ...form, ...labels });
    expect(found.body).toMatchObject(labels);
    expect(JSON.parse(found.rowJson ?? '')).toEqual(labels);
    expect(request({ ...form, metadata: 'train' }).body).not.toHaveProperty('metadata');
  });

  test('a key of another API that asks for nothing is left out', () => {
    expect(request({ ...form, extra_body: {}, num_beams: 1, stop_sequences: [] }).body).toEqual({
      messages: [user],
      model: 'mock',
    });
  });
});

describe('`system` beside messages', () => {
  const system = { role: 'system', content: 'Be brief.' };

  test('is the system prompt, in a body and in blocks as well', () => {
    const blocks = [{ type: 'text', text: 'Be brief.' }];
    for (const line of [{ messages: [user], system: 'Be brief.' }, { body: { messages: [user], system: blocks } }]) {
      const { body, rowJson } = request(line);
      expect(body).toEqual({ messages: [system, user], model: 'mock' });
      expect(rowJson).toBeUndefined();
    }
  });

  test('is refused where the messages have one too', () => {
    const developer = { role: 'developer', content: 'Be long.' };
    expect(reason({ messages: [user, system], system: 'Be long.' })).toContain('remove one of the two');
    expect(reason({ messages: [developer, user], system: 'Be brief.' })).toContain('remove one of the two');
    expect(reason({ messages: [user], system: 7 })).toBe('"system" is a number, not a text');
  });

  test('asks for nothing where it is empty', () => {
    expect(request({ messages: [system, user], system: null }).body.messages).toEqual([system, user]);
    expect(request({ messages: [user], system: '' }).body.messages).toEqual([user]);
  });
});

test.each([
  ['messages that are JSON in a text', { messages: JSON.stringify([user]) }],
  ['a body that is JSON in a text', { url: '/v1/chat/completions', body: JSON.stringify({ messages: [user] }) }],
  ['one message without its list', { messages: user }],
  ['messages that are called a prompt', { prompt: [user] }],
])('%s are understood', (_name, line) => {
  expect(request(line).body.messages).toEqual([user]);
});

test('a text in JSON that no engine could be given is refused', () => {
  const half = String.raw`[{"role":"user","content":"\ud800"}]`;
  expect(reason({ messages: half })).toBe('"messages" is a string');
  expect(reason({ messages: '['.repeat(300) })).toBe('"messages" is a string');
});
