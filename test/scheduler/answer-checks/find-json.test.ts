import { expect, test } from 'vitest';
import { findJson } from '../../../src/scheduler/answer-checks/find-json.ts';

test.each([
  ['{"a":1}', undefined],
  ['```json\n{"a":1}\n```', 'fence'],
  ['\n~~~\n{"a":1}~~~ ', 'fence'],
  ['````json\r\n{"a":1}\r\n````', 'fence'],
  ['```json\n{"a":1,"b":"a\\n```\\nb"}\n```', 'fence'],
  ['<think>hm</think>\n{"a":1}', 'think'],
  ['<think>hm</think>\n```json\n{"a":1}\n```', 'think'],
])('%j holds JSON', (content, unwrapped) => {
  const found = findJson(content);
  expect(found).toMatchObject({ value: { a: 1 } });
  expect(typeof found === 'string' ? found : found.unwrapped).toBe(unwrapped);
});

test.each([
  ['Sure!\n{"a":1}', 'the JSON is inside other text, but the whole answer must be JSON: "Sure!\\n{\\"a\\":1}"'],
  ['```json\n{"a":1}\n```\n```json\n{"a":2}\n```', 'the answer is not JSON, but text'],
  ['red', 'the answer is not JSON, but text: "red"'],
  ['{"a":', 'the answer is not valid JSON'],
])('%j is none, and why is said on one line', (content, reason) => {
  expect(findJson(content)).toContain(reason);
  expect(findJson(content)).not.toContain('\n');
});

test.each(['{"n":1e999}', '[{"n":-1E+400}]', `[${'9'.repeat(400)}]`])('%j can not be kept as it is', (content) => {
  expect(findJson(content)).toBe('the answer contains a number that is too large');
});

test('a text that looks like such a number is one all the same', () => {
  expect(findJson('{"n":"1e999","m":1e-400}')).toMatchObject({ value: { n: '1e999', m: 0 } });
});
