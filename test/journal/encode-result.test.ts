import { expect, test } from 'vitest';
import { mostResultBytes } from '../../src/core/result-line.ts';
import { encodeResult } from '../../src/journal/encode-result.ts';
import { completionOf, resultFrom, success } from './sample-results.ts';

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

test('a result is written as it is, with its line feed', () => {
  const line = success({ id: 'a', row: { a: 1 } });
  expect(encodeResult(line)).toEqual({ line, text: `${JSON.stringify(line)}\n` });
});

test('an answer that is nested beyond what JSON can write is a failure of its request', () => {
  const verdict = { answer: completionOf('fine'), parsed: nested(100_000) };
  const { line, text } = encodeResult(resultFrom({ verdict }, { id: 'deep' }));
  expect(line).toMatchObject({ custom_id: 'deep', response: null, error: { code: 'invalid-response' } });
  expect(line.error?.message).toMatch(/^the result can't be written as JSON: /);
  expect(JSON.parse(text)).toEqual(line);
});

test.each([
  ['ASCII', 'x', mostResultBytes],
  ['characters of three bytes', '候', Math.ceil(mostResultBytes / 3)],
])(
  'an answer of %s that could not be read again is a failure of its request',
  { timeout: 60_000 },
  (_name, unit, count) => {
    const { line, text } = encodeResult(success({ id: 'long', text: unit.repeat(count), row: { a: 1 } }));
    expect(line.error).toEqual({
      code: 'invalid-response',
      message: 'the result is longer than 256 MB as a line, with all fields of its row',
    });
    expect(text.length).toBeLessThan(1000);
    expect(line.llmbatch).toMatchObject({ line: 1, attempts: 1, latency_ms: 12.35 });
  },
);

test('one just as long as can be read is kept', { timeout: 60_000 }, () => {
  const empty = encodeResult(success({ id: 'a', text: '' })).text.length;
  const { line, text } = encodeResult(success({ id: 'a', text: 'x'.repeat(mostResultBytes - empty) }));
  expect([text.length, line.error]).toEqual([mostResultBytes, null]);
});
