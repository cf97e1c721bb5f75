import { expect, test } from 'vitest';
import { shorten } from '../../src/text/format.ts';
import { type Draft, type Row, lineFormatOf } from '../../src/input/line-formats.ts';
import { kindOf } from '../../src/input/check-text.ts';
import { type PromptTemplate, compilePromptTemplate } from '../../src/input/template/prompt-template.ts';

const template = await compilePromptTemplate('Score {{name}}.');

const toDraft = (row: Row, by: PromptTemplate | null): Draft | string =>
  lineFormatOf(row, by).toDraft(row, by, JSON.stringify(row));

function draft(row: Record<string, unknown>): Draft {
  const found = toDraft(row, template);
  if (typeof found === 'string') throw new Error(found);
  return found;
}

test('with a template any object becomes a chat of one user message', () => {
  expect(draft({ id: 1, name: 'Ada', city: 'Lima' })).toMatchObject({
    endpoint: '/v1/chat/completions',
    body: { messages: [{ role: 'user', content: 'Score Ada.' }] },
  });
});

test('a row without a field of the template is a bad line', () => {
  expect(toDraft({ id: 1, city: 'Lima' }, template)).toBe('no field "name"; the row has: id, city');
});

test('a field of a nested row that is null is null', async () => {
  const nested = await compilePromptTemplate('Hi {{person.city.name}}');
  expect(toDraft({ person: null }, nested)).toContain('the field "person.city.name" is null');
  expect(toDraft({ person: { city: null } }, nested)).toContain('the field "person.city.name" is null');
  expect(toDraft({ person: {} }, nested)).toContain('no field "person.city.name"');
});

const body = { model: 'm', messages: [{ role: 'user', content: 'a' }] };

test.each([
  [{ temperature: 0.3, body }, 'temperature'],
  [{ model: 'other', body }, 'model'],
  [{ prompt: 'b', body }, 'prompt'],
])('a key of a request beside its body is not dropped without a word: %j', (row, name) => {
  expect(toDraft(row, null)).toBe(`"${name}" is beside "body", where nothing reads it: move it into the body`);
});

test('data, labels and what the body says too may stand beside a body', () => {
  const beside = { custom_id: 'a', id: 'a', note: 'n', metadata: { a: 1 }, temperature: null, model: 'm' };
  expect(toDraft({ ...beside, body }, null)).toMatchObject({ body });
});

test.each([
  [{ messages: [{ role: 'user', content: 'a' }], prompt: 'b' }, 'messages', 'prompt'],
  [{ body: { messages: [{ role: 'user', content: 'a' }], prompt: 'b' } }, 'messages', 'prompt'],
  [{ url: '/v1/completions', body: { input: 'a', prompt: 'b' } }, 'prompt', 'input'],
])('of two prompts none is dropped without a word: %j', (row, first, second) => {
  expect(toDraft(row, null)).toContain(`"${first}" and "${second}" are in one request`);
});

test('a prompt of null beside another one changes nothing', () => {
  const messages = [{ role: 'user', content: 'a' }];
  expect(toDraft({ messages, prompt: null }, null)).toMatchObject({ body: { messages } });
});

test('a template that gives nothing is a bad line', async () => {
  const empty = await compilePromptTemplate(' {{name}}\n', { allowsEmpty: true });
  expect(toDraft({ name: ' ' }, empty)).toBe('the prompt template gives an empty prompt');
});

test('with a template, fields that are called prompt, body or messages are fields', () => {
  expect(draft({ name: 'Ada', prompt: 'field', body: 'text of a mail', messages: 12 }).body).toEqual({
    messages: [{ role: 'user', content: 'Score Ada.' }],
  });
});

test('with a template, whole requests are still read as such', () => {
  const messages = [{ role: 'user', content: 'Hi' }];
  expect(draft({ name: 'Ada', messages }).body).toEqual({ messages });
  expect(draft({ custom_id: 'a', body: { messages } }).body).toEqual({ messages });
});

test('values are told to the user by their kind, or cut short', () => {
  expect([null, [], {}, 'a', 1].map(kindOf)).toEqual(['null', 'a list', 'an object', 'a string', 'a number']);
  expect(shorten('x'.repeat(100))).toHaveLength(60);
  expect([shorten(undefined), shorten({ a: 1 })]).toEqual(['undefined', '{"a":1}']);
});

test('what a plain line asks of the form of its answer is a key of its request, and no data', () => {
  const asked = { structured_outputs: { choice: ['red'] }, guided_json: {}, continue_final_message: true };
  for (const row of [{ prompt: 'Hi' }, { messages: [{ role: 'user', content: 'Hi' }] }]) {
    const given = { ...row, ...asked, city: 'Lima' };
    expect(toDraft(given, null)).toMatchObject({ body: asked });
    const { uses } = lineFormatOf(given, null);
    for (const [key, value] of Object.entries(asked)) expect(uses?.(key, value)).toBe(true);
    expect(uses?.('city', 'Lima')).toBe(false);
  }
  expect(draft({ name: 'Ada', grammar: 'good', guided_json: {} }).body).not.toHaveProperty('guided_json');
});
