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
  const line = success({ id: 'a' });
  expect(encodeResult(line)).toEqual({ line, text: `${JSON.stringify(line)}\n` });
});

test('the row that stays with it is its last key, to the letter', () => {
  const rowJson = '{"tweet":1790000000000000123, "2":1.10,"1":1e3,"a":1,"a":-0,"__proto__":{"x":[]}}';
  for (const line of [success({ id: 'a' }), failed({ id: 'a' })]) {
    const { text } = encodeResult(line, rowJson);
    expect(text).toBe(`${JSON.stringify(line).slice(0, -2)},"row":${rowJson}}}\n`);
    expect(JSON.parse(text).llmbatch).toEqual({ ...line.llmbatch, row: JSON.parse(rowJson) });
  }
});

test('an answer that is nested beyond what JSON can write is thrown, for it is a failure of its request', () => {
  const verdict = { answer: completionOf('fine'), parsed: nested(100_000) };
  expect(() => encodeResult(resultFrom({ verdict }, { id: 'deep' }))).toThrow(RangeError);
});

test.each([
  ['ASCII', 'x', maxResultBytes],
  ['characters of three bytes', '候', Math.ceil(maxResultBytes / 3)],
])('an answer of %s that could not be read again is thrown', { timeout: 60_000 }, (_name, unit, count) => {
  const line = success({ id: 'long', text: unit.repeat(count) });
  expect(() => encodeResult(line, '{"a":1}')).toThrow('longer than 256 MB as a line, with all fields of its row');
});

test('a failure whose row is too long is written without it', { timeout: 60_000 }, () => {
  const rowJson = `{"long":"${'x'.repeat(maxResultBytes)}"}`;
  const { line, text } = encodeResult(failed({ id: 'a' }, 'timeout'), rowJson);
  expect(line).toMatchObject({ custom_id: 'a', response: null, error: { code: 'timeout', message: 'no' } });
  expect(line.llmbatch).toEqual(failed({ id: 'a' }, 'timeout').llmbatch);
  expect(JSON.parse(text)).toEqual(line);
});

test('one just as long as can be read is kept', { timeout: 60_000 }, () => {
  const empty = encodeResult(success({ id: 'a', text: '' })).text.length;
  const { line, text } = encodeResult(success({ id: 'a', text: 'x'.repeat(maxResultBytes - empty) }));
  expect([text.length, line.error]).toEqual([maxResultBytes, null]);
});
