import { expect, test } from 'vitest';
import { maxResultBytes } from '../../src/core/result-line.ts';
import { encodeResult } from '../../src/journal/encode-result.ts';
import { completionOf, failed, resultFrom, success } from './sample-results.ts';

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

test('a result is written as it is, with its line feed', () => {
  const line = success({ id: 'a', row: { a: 1 } });
  expect(encodeResult(line)).toEqual({ line, text: `${JSON.stringify(line)}\n` });
});

test('an answer that is nested beyond what JSON can write is thrown, for it is a failure of its request', () => {
  const verdict = { answer: completionOf('fine'), parsed: nested(100_000) };
  expect(() => encodeResult(resultFrom({ verdict }, { id: 'deep' }))).toThrow(RangeError);
});

test.each([
  ['ASCII', 'x', maxResultBytes],
  ['characters of three bytes', '候', Math.ceil(maxResultBytes / 3)],
])('an answer of %s that could not be read again is thrown', { timeout: 60_000 }, (_name, unit, count) => {
  const line = success({ id: 'long', text: unit.repeat(count), row: { a: 1 } });
  expect(() => encodeResult(line)).toThrow('longer than 256 MB as a line, with all fields of its row');
});

test.each([
  ['too deep', { deep: nested(100_000) }],
  ['too long', { long: 'x'.repeat(maxResultBytes) }],
])('a failure whose row is %s is written without it', { timeout: 60_000 }, (_name, row) => {
  const { line, text } = encodeResult(failed({ id: 'a', row }, 'timeout'));
  expect(line).toMatchObject({ custom_id: 'a', response: null, error: { code: 'timeout', message: 'no' } });
  expect(line.llmbatch).toEqual(failed({ id: 'a' }, 'timeout').llmbatch);
  expect(JSON.parse(text)).toEqual(line);
});

test('one just as long as can be read is kept', { timeout: 60_000 }, () => {
  const empty = encodeResult(success({ id: 'a', text: '' })).text.length;
  const { line, text } = encodeResult(success({ id: 'a', text: 'x'.repeat(maxResultBytes - empty) }));
  expect([text.length, line.error]).toEqual([maxResultBytes, null]);
});
