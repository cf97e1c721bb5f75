import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { AnswerSettings } from '../../../src/core/settings.ts';
import { createFingerprint } from '../../../src/files/fingerprint.ts';
import { changesOnlyRetries, compareInput, findDrift } from '../../../src/journal/manifest/find-drift.ts';
import { sampleSettings } from '../sample-manifest.ts';

const changes: Partial<AnswerSettings> = {
  backend: 'ollama',
  model: null,
  mode: 'conversation',
  system: 'Score from 0 to 10.',
  promptTemplate: '{{name}}',
  schema: null,
  parameters: { temperature: 0 },
  options: { latency_ms: 5, seed: 2 },
  format: 'csv',
  delimiter: ';',
  encoding: 'windows-1252',
  idField: 'number',
  allowEmptyFields: false,
  chatTemplate: '{{ messages }}',
  conversation: { ...sampleSettings.conversation, trimEvery: 51 },
  controlTokens: 'allow',
  allowTruncated: true,
  allowEmptyAnswers: true,
  allowRepetition: true,
};

test('the same settings are no drift, also when they come back from a file', () => {
  expect(findDrift(sampleSettings, JSON.parse(JSON.stringify(sampleSettings)) as AnswerSettings)).toEqual([]);
});

test('every setting but limit and sample has a change in this test', () => {
  expect(new Set([...Object.keys(changes), 'limit', 'sample'])).toEqual(new Set(Object.keys(sampleSettings)));
});

test('which rows are taken is no drift: a try with --limit may go on as the whole run', () => {
  expect(findDrift({ ...sampleSettings, limit: 10 }, { ...sampleSettings, sample: 5 })).toEqual([]);
});

test('empty fields that are allowed later on are no drift: they change no answer that is there', () => {
  expect(findDrift({ ...sampleSettings, allowEmptyFields: false }, begun)).toEqual([]);
});

const begun: AnswerSettings = { ...sampleSettings, allowEmptyFields: true };

const flags: Record<string, string> = {
  parameters: '--(?:temperature|max-tokens|seed)',
  options: '--option \\w+',
  conversation: '--trim-every',
};

test.each(Object.keys(changes) as (keyof AnswerSettings)[])('a changed %s is named by its flag', (name) => {
  const drift = findDrift(begun, { ...begun, [name]: changes[name] });
  const flag = flags[name] ?? `--${name.replaceAll(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`)}`;
  expect(drift.length).toBeGreaterThan(0);
  for (const text of drift) expect(text).toMatch(new RegExp(`^${flag} .+ → .+`));
});

test('long texts that begin alike are shown where they differ', () => {
  const system = `Score the candidate by the rubric. ${'Be strict. '.repeat(20)}`;
  expect(findDrift({ ...sampleSettings, system }, { ...sampleSettings, system: `${system}Say why.` })).toEqual([
    '--system "...strict. " → "...strict. Say why."',
  ]);
});

test('only settings of how failed requests are tried again', () => {
  const others = { parameters: { max_tokens: 9 }, allowTruncated: true, options: {} };
  expect(changesOnlyRetries(sampleSettings, { ...sampleSettings, ...others })).toBe(true);
  expect(changesOnlyRetries(sampleSettings, { ...sampleSettings, ...others, model: 'other' })).toBe(false);
});

test('a form of the input that was found, and one that was named, are no drift', () => {
  expect(findDrift({ ...sampleSettings, format: 'auto' }, { ...sampleSettings, format: 'csv' })).toEqual([]);
});

test('several changes are all named, with the old value and the new', () => {
  expect(findDrift(sampleSettings, { ...sampleSettings, model: 'gemma3:4b', schema: null })).toEqual([
    '--model mock → gemma3:4b',
    expect.stringMatching(/^--schema {.+\.\.\. → none$/),
  ]);
});

test('the order of options, and of the keys of a schema, is no drift', () => {
  const { properties, ...schema } = sampleSettings.schema ?? {};
  const now = { ...sampleSettings, options: { seed: 1, latency_ms: 5 }, schema: { properties, ...schema } };
  expect(findDrift(sampleSettings, now)).toEqual([]);
});

test('the order of a list is a drift: of stop texts, or of an enum', () => {
  const before = { ...sampleSettings, parameters: { stop: ['a', 'b'] } };
  expect(findDrift(before, { ...before, parameters: { stop: ['b', 'a'] } })).toHaveLength(1);
});

test('a long value is cut short', () => {
  const [drift = ''] = findDrift(sampleSettings, { ...sampleSettings, system: 'x'.repeat(10_000) });
  expect(drift.length).toBeLessThan(200);
});

describe('an input', () => {
  const before = { bytes: 4, sha256: createHash('sha256').update('a\nb\n').digest('hex') };

  test.each([
    ['a\nb\n', 'same'],
    ['a\nb\nc\n', 'grown'],
    ['a\nb', 'changed'],
    ['a\nX\n', 'changed'],
    ['a\nX\nc\n', 'changed'],
    ['', 'changed'],
    ['a\nb\n\n', 'grown'],
  ])('that was "a b" and is %j is %s', (now, change) => {
    const fingerprint = createFingerprint(before.bytes);
    fingerprint.add(Buffer.from(now));
    expect(compareInput(before, fingerprint.finish())).toBe(change);
  });

  test('whose last line grew is changed: it is another request now', () => {
    const fingerprint = createFingerprint(before.bytes - 1);
    fingerprint.add(Buffer.from('a\nbc\n'));
    const cut = { bytes: 3, sha256: createHash('sha256').update('a\nb').digest('hex') };
    expect(compareInput(cut, fingerprint.finish())).toBe('changed');
  });
});

test('a text that is cut short keeps its quotes', () => {
  const system = 'You classify reviews of a shop by what they say.';
  const changed = { ...sampleSettings, system: 'Classify the reviews of a shop by their tone.' };
  expect(findDrift({ ...sampleSettings, system }, changed)).toEqual([
    '--system "You classify reviews of a shop b..." → "Classify the reviews of a shop b..."',
  ]);
});
