import { describe, expect, test } from 'vitest';
import { createRedaction } from '../../src/text/redaction.ts';

/** With whatever a key can hold that some spelling changes. */
const key = 'sk-Secret+a/b"c=&<0123';
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const each = (spell: (code: number, character: string) => string, text = key): string =>
  Array.from(text, (character) => spell(character.codePointAt(0) ?? 0, character)).join('');
const hex = (code: number, width = 2): string => code.toString(16).padStart(width, '0');
const named: Record<string, string> = { '"': '&quot;', '&': '&amp;', '<': '&lt;', '+': '&plus;', '/': '&sol;' };

const spelled: [name: string, text: string][] = [
  ['as it is', key],
  ['in upper case', key.toUpperCase()],
  ['in lower case', key.toLowerCase()],
  ['in JSON', JSON.stringify(key).slice(1, -1)],
  [
    'in JSON with an escaped slash',
    JSON.stringify(key)
      .slice(1, -1)
      .replaceAll('/', String.raw`\/`),
  ],
  ['in JSON by the number of each character', each((code) => `\\u${hex(code, 4)}`)],
  ['in JSON in JSON', JSON.stringify(each((code) => `\\u${hex(code, 4).toUpperCase()}`)).slice(1, -1)],
  ['in JSON in JSON in JSON', JSON.stringify(JSON.stringify(JSON.stringify(key))).slice(7, -7)],
  ['in a literal of Python', each((code) => `\\x${hex(code)}`)],
  ['in a literal of JavaScript', each((code) => `\\u{${hex(code)}}`)],
  ['in a URL', encodeURIComponent(key)],
  ['in a URL, every character', each((code) => `%${hex(code).toUpperCase()}`)],
  ['in a URL in a URL', encodeURIComponent(encodeURIComponent(key))],
  ['in HTML', each((_, character) => named[character] ?? character)],
  ['in HTML by decimal numbers', each((code) => `&#${code};`)],
  ['in HTML by hexadecimal numbers', each((code) => `&#x${hex(code)};`)],
  ['in HTML in HTML', each((code) => `&amp;#0${code};`)],
  [
    'in several ways at once',
    key
      .replace('S', '%53')
      .replace('r', '&#114;')
      .replace('/', String.raw`\u002f`),
  ],
  ['over two lines', `${key.slice(0, 9)}\r\n  ${key.slice(9)}`],
  ['over two lines of JSON', `${key.slice(0, 9)}\\n${key.slice(9).replace('"', String.raw`\"`)}`],
  ['with a character in it that nobody sees', `${key.slice(0, 9)}\u200B${key.slice(9)}`],
  ['in hexadecimal digits', Buffer.from(key).toString('hex')],
  ['in Base64', base64(key)],
  ['in Base64 of a URL', Buffer.from(key).toString('base64url')],
  ['in Base64 as a bearer key', base64(`Bearer ${key}`)],
  ['in Base64 as a password', base64(`user:${key}`)],
  ['in Base64 in JSON', base64(key).replaceAll('/', String.raw`\/`)],
  ['in Base64 in a URL', encodeURIComponent(base64(`x${key}`))],
  ['in Base64 in the middle of a text', base64(`{"key":"${key.replace('"', '')}"}`)],
  ['cut off before its end', `${key.slice(0, -2)}***`],
];

describe('a key', () => {
  test.each(spelled)('%s', (name, text) => {
    const secret = name.endsWith('middle of a text') ? key.replace('"', '') : key;
    const { inText, inValue } = createRedaction([secret]);
    const clean = inText(`before ${text} behind`);
    expect(clean).toContain('[key]');
    expect(clean.replace(/[\w+/=]{0,14}\[key\][\w+/=*]{0,6}/, '')).toBe('before  behind');
    expect(JSON.stringify(inValue({ [text]: [1, null, true, { a: text }] }))).not.toContain(text.slice(4, -4));
  });

  test('leaves JSON as JSON', () => {
    const { inText } = createRedaction([key]);
    const body = { error: { message: `bad ${key}\n`, [key]: [key, 1e3] } };
    const clean = { error: { message: 'bad [key]\n', '[key]': ['[key]', 1e3] } };
    expect(JSON.parse(inText(JSON.stringify(body)))).toEqual(clean);
    expect(JSON.parse(inText(JSON.stringify(JSON.stringify(body))))).toBe(JSON.stringify(clean));
  });

  test('is found in a token as long as they get', () => {
    const token = each((code) => base64(String(code * 7919)).slice(0, 30), key.repeat(3));
    expect(createRedaction([token]).inText(`a ${token} b ${token.toUpperCase()}`)).toBe('a [key] b [key]');
  });
});

test('leaves what is no key as it came', () => {
  const { inText, inValue } = createRedaction([key]);
  for (const text of ['', 'sk-Secret', String.raw`{"a": "b\n", "c": 1e3}`, String.raw`C:\users`, key.slice(8)])
    expect(inText(text)).toBe(text);
  expect(inValue({ a: [1, null, { b: 'c' }] })).toEqual({ a: [1, null, { b: 'c' }] });
});

test('several secrets, one the beginning of another', () => {
  const { inText } = createRedaction(['hf_0123456789', null, 'hf_0123456789abcdef']);
  expect(inText('hf_0123456789abcdef hf_0123456789 x')).toBe('[key] [key] x');
});

test('nothing without a key, or with one that is none', () => {
  const value = { a: 'null' };
  expect(createRedaction([null]).inValue(value)).toBe(value);
  expect(createRedaction([null]).inText('null')).toBe('null');
  expect(createRedaction(['EMPTY']).inText('an EMPTY answer')).toBe('an EMPTY answer');
});

test.each([
  ['backslashes', '\\'],
  ['line feeds', '\n'],
  ['the beginning of a key', 'sk-'],
  ['the beginning of a key, over lines', 'sk-\n'],
  ['escaped percent signs', '%25'],
  ['escaped ampersands', '&amp;'],
])('is quick with a million of %s', (_, piece) => {
  const text = piece.repeat(1_000_000);
  const startedAt = performance.now();
  expect(createRedaction([key]).inText(text)).toBe(text);
  // A tenth of a second on a slow machine; by the square it would be an hour.
  expect(performance.now() - startedAt).toBeLessThan(20_000);
});
