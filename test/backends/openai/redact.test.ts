import { expect, test } from 'vitest';
import { createRedaction } from '../../../src/backends/openai/redact.ts';

const key = 'sk-a/b"c';
const { inText, inValue } = createRedaction(key);
const escaped = String.raw`\u0073k-a\/b\"c`;

test.each([
  ['a text', `with ${key}!`, 'with [key]!'],
  [
    'JSON that escapes it',
    `{"error": {"message": "bad ${escaped}\\n"}}`,
    String.raw`{"error":{"message":"bad [key]\n"}}`,
  ],
  ['the name of a field', `{"${escaped}": [{"a": "${escaped}"}]}`, '{"[key]":[{"a":"[key]"}]}'],
  ['a JSON text', `"${escaped}"`, '"[key]"'],
  ['JSON without it, as it came', String.raw`{"a": "b\n", "c": 1e3}`, String.raw`{"a": "b\n", "c": 1e3}`],
  ['what is no JSON', String.raw`C:\users`, String.raw`C:\users`],
])('%s', (_, text, clean) => {
  expect(inText(text)).toBe(clean);
});

test('a value, at any depth', () => {
  const value = { [key]: [1, null, true, { a: `${key}${key}` }], __proto__: null };
  expect(inValue(value)).toEqual({ '[key]': [1, null, true, { a: '[key][key]' }] });
});

test('nothing, without a key', () => {
  const value = { a: 'null' };
  expect(createRedaction(null).inValue(value)).toBe(value);
  expect(createRedaction(null).inText('null')).toBe('null');
  expect(createRedaction('EMPTY').inText('an EMPTY answer')).toBe('an EMPTY answer');
});
