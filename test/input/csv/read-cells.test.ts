import { expect, test } from 'vitest';
import { isRejected } from '../../../src/core/request.ts';
import { type LineReading, readRequest } from '../../../src/input/read-request.ts';
import { compilePromptTemplate } from '../../../src/input/template/prompt-template.ts';
import { noDefaults } from '../scan-text.ts';

const read = (row: object, reading: Partial<LineReading> = {}) =>
  readRequest({ bytes: Buffer.from(JSON.stringify(row)), tooLong: false }, 2, {
    ...noDefaults,
    form: 'csv',
    ...reading,
  });

function bodyOf(row: object): Record<string, unknown> {
  const found = read({ prompt: 'Hi', ...row });
  if (isRejected(found)) throw new Error(found.reason);
  const { messages: _, model: __, ...settings } = found.body;
  return settings;
}

test.each([
  ['max_tokens', '20', 20],
  ['max_tokens', ' 20.0 ', 20],
  ['temperature', '0,2', 0.2],
  ['top_p', '1e-1', 0.1],
  ['n', '1', 1],
  ['logprobs', 'TRUE', true],
  ['logprobs', 'false', false],
  ['stop', 'END', 'END'],
  ['stop', '20', '20'],
  ['stop', '["a", "b"]', ['a', 'b']],
  ['tools', '[{"type":"function"}]', [{ type: 'function' }]],
  ['response_format', '{"type":"json_object"}', { type: 'json_object' }],
  ['reasoning_effort', 'low', 'low'],
])('the cell of the column %s that holds %j is %j', (name, cell, value) => {
  expect(bodyOf({ [name]: cell })[name]).toEqual(value);
});

test('an empty cell gives nothing, so that a flag counts', () => {
  const row = { prompt: 'Hi', max_tokens: '', temperature: ' ', system: '', model: '' };
  expect(read(row, { parameters: { max_tokens: 5 }, system: 'Be brief.' })).toMatchObject({
    body: { model: 'mock', max_tokens: 5, messages: [{ role: 'system', content: 'Be brief.' }, { role: 'user' }] },
  });
});

test.each([
  ['max_tokens', 'ten', '"max_tokens" is "ten", not a whole number'],
  ['max_tokens', '1,000', '"max_tokens" is "1,000", not a whole number'],
  ['temperature', '0.2.1', '"temperature" is "0.2.1", not a number'],
  ['tools', '[{', expect.stringContaining('"tools" is "[{"')],
])('the cell of the column %s that holds %j makes a bad line', (name, cell, reason) => {
  expect(read({ id: 'a', prompt: 'Hi', [name]: cell })).toMatchObject({ id: 'a', reason });
});

test('messages and bodies stand in cells as JSON', () => {
  const messages = [{ role: 'user', content: 'Name a colour.' }];
  expect(read({ id: '1', messages: JSON.stringify(messages) })).toMatchObject({ id: '1', body: { messages } });
  const body = JSON.stringify({ messages });
  expect(read({ custom_id: '1', method: '', url: '', body })).toMatchObject({ id: '1', body: { messages } });
});

test('beside a template, settings that it does not print are read, and stay in the row as they are', async () => {
  const template = await compilePromptTemplate('Say {{text}}');
  const row = { text: 'hello', max_tokens: '20', temperature: '0,2', seed: '', model: 'T 1', n: 'x' };
  expect(read(row, { template })).toMatchObject({
    body: { messages: [{ content: 'Say hello' }], model: 'mock', max_tokens: 20, temperature: 0.2, seed: null },
    rowJson: JSON.stringify(row),
  });
  expect(read({ text: 'hello', max_tokens: 'ten' }, { template })).toMatchObject({
    reason: '"max_tokens" is "ten", not a whole number',
  });
});

test('what is no setting stays the text of its cell, and so does all of a row that fills a template', async () => {
  expect(read({ prompt: 'Hi', max_tokens: '5', note: '007' })).toMatchObject({ rowJson: '{"note":"007"}' });
  const template = await compilePromptTemplate('{{text}} {{temperature}}');
  expect(read({ text: 'It has', temperature: '21,50' }, { template })).toMatchObject({
    body: { messages: [{ content: 'It has 21,50' }] },
    rowJson: '{"text":"It has","temperature":"21,50"}',
  });
});
