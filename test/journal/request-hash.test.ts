import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BatchRequest, RequestBody } from '../../src/core/request.ts';
import { type AnswerSettings, defaultAnswerSettings } from '../../src/core/settings.ts';
import { type AnswerSource, createRequestHash } from '../../src/journal/request-hash.ts';

const source: AnswerSource = {
  backend: 'mock',
  model: 'models/one.gguf',
  digest: 'sha256:ab',
  mode: 'independent',
  settings: defaultAnswerSettings,
};

const body: RequestBody = {
  model: 'models/one.gguf',
  messages: [
    { role: 'system', content: 'Score the candidate.' },
    { role: 'user', content: 'née in Łódź' },
  ],
  temperature: 0,
  max_tokens: 64,
};

const requestOf = (changes: Partial<BatchRequest> = {}): BatchRequest => ({
  id: 'a',
  line: 1,
  endpoint: '/v1/chat/completions',
  body,
  ...changes,
});

const hashOf = (request: Partial<BatchRequest> = {}, from: Partial<AnswerSource> = {}): string | null =>
  createRequestHash({ ...source, ...from })(requestOf(request));

const withBody = (changes: object): Partial<BatchRequest> => ({ body: { ...body, ...changes } });
const withSettings = (changes: Partial<AnswerSettings>): Partial<AnswerSource> => ({
  settings: { ...defaultAnswerSettings, ...changes },
});

const otherTrims = { ...defaultAnswerSettings.conversation, trimEvery: 7 };

test('it is the same in every release, or no earlier result could be found by it', () => {
  expect(hashOf()).toBe('8e44904ae0ff5393edd62c8d7303e39c');
  const settings = withSettings({
    options: { num_ctx: 1, flash: true },
    allowTruncated: true,
    conversation: otherTrims,
  });
  expect(hashOf(withBody({ stop: ['a'] }), { mode: 'conversation', ...settings })).toBe(
    '19cc35f211c0273ca7e167969e8cf04a',
  );
});

describe('it is the same', () => {
  test.each<[string, Partial<BatchRequest>, Partial<AnswerSource>]>([
    ['for another id, line and row', { id: 'b', line: 7, rowJson: '{"city":"Rome"}' }, {}],
    [
      'in another order of the keys',
      { body: { ...Object.fromEntries(Object.entries(body).toReversed()) } as never },
      {},
    ],
    ['where the same weights lie elsewhere', withBody({ model: '/data/one.gguf' }), { model: '/data/one.gguf' }],
    ['for other rows of the input', {}, withSettings({ limit: 3, sample: 2, format: 'csv' })],
    ['where conversations would be trimmed otherwise', {}, withSettings({ conversation: otherTrims })],
  ])('%s', (_name, request, from) => {
    expect(hashOf(request, from)).toBe(hashOf());
  });

  test('whichever option was named first', () => {
    const [one, two] = [
      { num_ctx: 1, seed: 2 },
      { seed: 2, num_ctx: 1 },
    ];
    expect(hashOf({}, withSettings({ options: one }))).toBe(hashOf({}, withSettings({ options: two })));
  });
});

describe('it is another one', () => {
  test.each<[string, Partial<BatchRequest>, Partial<AnswerSource>]>([
    ['for another prompt', withBody({ messages: [{ role: 'user', content: 'née in Lodz' }] }), {}],
    [
      'for another role',
      withBody({ messages: [{ role: 'user', content: 'x' }, ...(body.messages ?? []).slice(1)] }),
      {},
    ],
    [
      'with a name in a message',
      withBody({ messages: body.messages?.map((message) => ({ ...message, name: 'A' })) }),
      {},
    ],
    ['for another temperature', withBody({ temperature: 0.1 }), {}],
    ['with one key more', withBody({ seed: 1 }), {}],
    ['for another endpoint', { endpoint: '/v1/completions' }, {}],
    ['for other weights', {}, { digest: 'sha256:cd' }],
    ['for an adapter over the same weights', {}, { model: 'adapter' }],
    ['where nothing but the name tells the weights', {}, { digest: null }],
    ['for another backend', {}, { backend: 'other' }],
    ['for another option', {}, withSettings({ options: { num_ctx: 1 } })],
    ['where control tokens pass', {}, withSettings({ controlTokens: 'allow' })],
    ['where an answer that was cut is a success', {}, withSettings({ allowTruncated: true })],
    ['where an empty answer is a success', {}, withSettings({ allowEmptyAnswers: true })],
    ['where an answer may repeat itself', {}, withSettings({ allowRepetition: true })],
    ['in a conversation', {}, { mode: 'conversation' }],
  ])('%s', (_name, request, from) => {
    expect(hashOf(request, from)).not.toBe(hashOf());
  });

  test('in a conversation that is trimmed otherwise', () => {
    const mode = 'conversation';
    expect(hashOf({}, { mode, ...withSettings({ conversation: otherTrims }) })).not.toBe(hashOf({}, { mode }));
  });

  test('for any two bodies that differ, whatever is in them', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '1', ' ', ':', '\n', '"', '['), maxLength: 4 });
    const value = fc.oneof(
      fc.constantFrom(0, 1, -1, null, true, '0', '[0', []),
      text,
      fc.array(fc.oneof(text, fc.record({ role: text, content: text }), fc.record({ role: text })), { maxLength: 3 }),
    );
    const bodies = fc.dictionary(fc.constantFrom('a', 'b', 'a 1', '1 a', '\n1 a 0'), value, { maxKeys: 3 });
    const sorted = (of: Record<string, unknown>): string =>
      JSON.stringify(
        Object.keys(of)
          .toSorted()
          .map((key) => [key, of[key]]),
      );
    fc.assert(
      fc.property(bodies, bodies, (one, two) => {
        const [left, right] = [one, two].map((given) => hashOf({ body: { model: 'm', ...given } }));
        return (left === right) === (sorted(one) === sorted(two));
      }),
      { numRuns: 2000 },
    );
  });
});

/** What may change an answer beside the body, and the settings that can't. */
const inHash = [
  'options',
  'chatTemplate',
  'controlTokens',
  'allowTruncated',
  'allowEmptyAnswers',
  'allowRepetition',
  'conversation',
];
const inBody = ['system', 'promptTemplate', 'schema', 'parameters'];
const inSource = ['backend', 'model', 'mode'];
const choosesRows = ['format', 'delimiter', 'encoding', 'idField', 'allowEmptyFields', 'limit', 'sample'];

test('a setting that is added is part of it, unless it was thought of', () => {
  const known = [...inHash, ...inBody, ...inSource, ...choosesRows];
  expect(Object.keys(defaultAnswerSettings).toSorted()).toEqual(known.toSorted());
  const later = { ...defaultAnswerSettings, later: 'on' };
  expect(hashOf({}, { settings: later })).not.toBe(hashOf());
  for (const name of [...inBody, ...inSource, ...choosesRows]) {
    expect([name, hashOf({}, { settings: { ...defaultAnswerSettings, [name]: 'other' } })]).toEqual([name, hashOf()]);
  }
});

test('a body that is nested too deep to be written has none', () => {
  let deep: unknown = 1;
  for (let level = 0; level < 100_000; level++) deep = [deep];
  expect(hashOf(withBody({ deep }))).toBeNull();
});
