import { expect, test } from 'vitest';
import { foreignText, headerText, parsedAnswer, parsedOrText } from '../../../src/backends/http/json-text.ts';

const nested = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;

test('JSON is read up to a depth', () => {
  expect(JSON.stringify(parsedAnswer(nested(200)))).toBe(nested(200));
  expect(() => parsedAnswer(nested(201))).toThrow('nested more than 200 levels deep');
  expect(() => parsedAnswer(`{"a":${nested(100_000)}}`)).toThrow(expect.objectContaining({ kind: 'invalid-response' }));
  expect(parsedOrText(nested(100_000))).toBe(nested(100_000));
});

test('what is no JSON is a text, and no part of an answer', () => {
  expect(parsedAnswer('<html>')).toBeUndefined();
  expect(parsedOrText('<html>')).toBe('<html>');
  expect(parsedOrText('null')).toBeNull();
});

test.each([
  ['a text', 'a text'],
  [5, '5'],
  [null, 'null'],
  [undefined, 'nothing'],
  [{ toString: 1, valueOf: 2, toJSON: 3 }, '{"toString":1,"valueOf":2,"toJSON":3}'],
  [[{ toString: 1 }], '[{"toString":1}]'],
])('%j is named', (value, text) => {
  expect(foreignText(value)).toBe(text);
});

test('of a header that comes twice, the first one counts', () => {
  expect([headerText(undefined), headerText('a'), headerText(['a', 'b']), headerText([])]).toEqual(['', 'a', 'a', '']);
});
