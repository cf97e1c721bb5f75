import { expect, test } from 'vitest';
import { findJson } from '../../../src/engine/judge/find-json.ts';

test.each([
  ['{"a":1}', undefined],
  ['```json\n{"a":1}\n```', 'fence'],
  ['\n~~~\n{"a":1}~~~ ', 'fence'],
  ['<think>hm</think>\n{"a":1}', 'think'],
  ['<think>hm</think>\n```json\n{"a":1}\n```', 'think'],
])('%j holds JSON', (content, unwrapped) => {
  const found = findJson(content);
  expect(found).toMatchObject({ value: { a: 1 } });
  expect(typeof found === 'string' ? found : found.unwrapped).toBe(unwrapped);
});

test.each([
  ['Sure!\n{"a":1}', 'the JSON stands in prose, and only whole answers are taken: "Sure!\\n{\\"a\\":1}"'],
  ['```json\n{"a":1}\n```\n```json\n{"a":2}\n```', 'the answer is no JSON, but text'],
  ['red', 'the answer is no JSON, but text: "red"'],
  ['{"a":', 'the answer is no valid JSON'],
])('%j is none, and why is said on one line', (content, reason) => {
  expect(findJson(content)).toContain(reason);
  expect(findJson(content)).not.toContain('\n');
});
