import { expect, test } from 'vitest';
import { isSuccess, parseResultLine } from '../../src/core/result-line.ts';

test.each([
  '',
  'null',
  '7',
  '[]',
  '"text"',
  '{}',
  '{"custom_id":7,"error":null}',
  '{"custom_id":"a"}',
  '{"custom_id":"a"',
])('%j is no result line', (text) => {
  expect(parseResultLine(text)).toBeNull();
});

const isSuccessText = (text: string): boolean | null => {
  const line = parseResultLine(text);
  return line === null ? null : isSuccess(line);
};

test('a success has status 200 and no error', () => {
  expect(isSuccessText('{"custom_id":"a","response":{"status_code":200},"error":null}')).toBe(true);
  expect(isSuccessText('{"custom_id":"a","response":{"status_code":200}}')).toBe(true);
});

test('a status other than 200, an error beside a status 200, and no response are failures', () => {
  expect(isSuccessText('{"custom_id":"a","response":{"status_code":500},"error":null}')).toBe(false);
  expect(isSuccessText('{"custom_id":"a","response":{"status_code":200},"error":{"code":"refused"}}')).toBe(false);
  expect(isSuccessText('{"custom_id":"a","response":null,"error":{"code":"timeout"}}')).toBe(false);
});
