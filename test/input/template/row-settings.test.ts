import { expect, test } from 'vitest';
import { type BatchRequest, isRejected } from '../../../src/core/request.ts';
import { readRequest } from '../../../src/input/read-request.ts';
import { compilePromptTemplate } from '../../../src/input/template/prompt-template.ts';
import { noDefaults } from '../scan-text.ts';

async function read(text: string, rows: readonly object[], flags: Record<string, unknown> = {}) {
  const notes: string[] = [];
  const template = await compilePromptTemplate(text, { note: (note) => notes.push(note) });
  const reading = { ...noDefaults, form: 'jsonl', template, parameters: flags } as const;
  const found = rows.map((row) => readRequest({ bytes: Buffer.from(JSON.stringify(row)), tooLong: false }, 1, reading));
  return { found, notes };
}

const settingsOf = ({ body }: BatchRequest) =>
  Object.fromEntries(Object.entries(body).filter(([name]) => !['messages', 'model'].includes(name)));

test.each([
  { max_tokens: 20, temperature: 0.2, top_p: 0.9, seed: 7 },
  { max_completion_tokens: 20, top_k: 5, min_p: 0.1, stop: ['END'], reasoning_effort: 'low' },
  { frequency_penalty: 1, presence_penalty: 1, repetition_penalty: 1.1, repeat_penalty: 1.1, min_tokens: 2 },
])('the settings %j of a row beside its template are those of its request, and stay with the row', async (settings) => {
  const row = { text: 'Hi', ...settings };
  const { found, notes } = await read('{{text}}', [row, row]);
  for (const one of found) {
    if (isRejected(one)) throw new Error(one.reason);
    expect([settingsOf(one), one.rowJson]).toEqual([settings, JSON.stringify(row)]);
  }
  const names = Object.keys(settings).length;
  expect([notes.length, notes[0]?.includes('of a row are settings of its request')]).toEqual([1, names > 1]);
});

test("a row's setting beats a flag, and null does not", async () => {
  const { found, notes } = await read(
    '{{text}}',
    [
      { text: 'a', max_tokens: null },
      { text: 'b', max_tokens: 3 },
    ],
    {
      max_tokens: 9,
    },
  );
  expect(found).toMatchObject([{ body: { max_tokens: 9 } }, { body: { max_tokens: 3 } }]);
  expect(notes).toEqual([
    'the field max_tokens of a row is a setting of its request, for --prompt-template does not print it: call data by another name',
  ]);
});

test.each(['It has {{temperature}}.', '{{text}}{{#temperature}} warm{{/temperature}}', '{{.}}', '{{temperature.c}}'])(
  'what the template %j prints is data',
  async (template) => {
    const { found, notes } = await read(template, [{ text: 'a', temperature: { c: 21.5 } }]);
    expect(found).toMatchObject([{ rowJson: '{"text":"a","temperature":{"c":21.5}}' }]);
    expect([notes, found.some((one) => 'body' in one && 'temperature' in one.body)]).toEqual([[], false]);
  },
);

test('a dot within a section prints an item of its list, and not the row', async () => {
  const { found } = await read('{{#tags}}{{.}}{{/tags}}', [{ tags: ['a'], max_tokens: 5 }]);
  expect(found).toMatchObject([{ body: { max_tokens: 5, messages: [{ content: 'a' }] } }]);
});

test.each([
  [{ temperature: 21.5 }, '"temperature" is 21.5, but the temperature of a request is from 0 to 2'],
  [{ temperature: 'warm' }, '"temperature" is "warm", not a number'],
  [{ max_tokens: '20' }, '"max_tokens" is "20", not a whole number'],
])('a row whose field %j is no setting is a bad line', async (field, reason) => {
  const { found } = await read('{{text}}', [{ text: 'a', ...field }]);
  expect(found).toMatchObject([{ reason: expect.stringContaining(reason) }]);
});

test('other names of keys are data, for rows are made of them: model, system, options, n, user', async () => {
  const { found, notes } = await read('{{text}}', [
    { text: 'a', model: 'T', system: 'x', options: 'y', n: 2, user: 1 },
  ]);
  const [one] = found;
  if (one === undefined || isRejected(one)) throw new Error(one?.reason);
  expect([Object.keys(one.body).toSorted(), one.body.model, notes]).toEqual([['messages', 'model'], 'mock', []]);
});
