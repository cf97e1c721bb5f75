import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { rowJsonOf } from '../../src/input/row-json.ts';

const isUsed = (name: string): boolean => ['id', 'prompt'].includes(name);

test.each([
  [
    'digits and the order of keys',
    '{"2":1.10,"id":"a","1":1790000000000000123,"z":-0,"e":1e3}',
    '{"2":1.10,"1":1790000000000000123,"z":-0,"e":1e3}',
  ],
  ['blanks within a value', '{ "a" : [1, 2] , "prompt":"Hi" , "b":{ } }', '{"a" : [1, 2],"b":{ }}'],
  [
    'marks within texts',
    String.raw`{"a":"},{\"[\\","prompt":"\"id\":1,","b":"\\"}`,
    String.raw`{"a":"},{\"[\\","b":"\\"}`,
  ],
  ['nested keys of the same name', '{"prompt":"Hi","a":{"prompt":[{"id":1}]}}', '{"a":{"prompt":[{"id":1}]}}'],
  ['__proto__ and keys named twice', '{"__proto__":1,"id":2,"a":1,"a":2}', '{"__proto__":1,"a":1,"a":2}'],
  [
    'an escaped key, which is known all the same',
    String.raw`{"\u0069d":1,"c\u0069ty":"Lima"}`,
    String.raw`{"c\u0069ty":"Lima"}`,
  ],
])('it keeps %s', (_name, text, wanted) => {
  expect(rowJsonOf(text, isUsed)).toBe(wanted);
});

test('the whole row is the text, on one line for every reader', () => {
  expect(rowJsonOf(' {"id":1,\r"a":"\\r"}\r', null)).toBe('{"id":1, "a":"\\r"}');
});

test('it is what parsing leaves of any object, however it is spaced', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(0, 1, '\t\r'), (row, space) => {
      const names = Object.keys(row).filter((_, index) => index % 2 === 0);
      const text = JSON.stringify(row, null, space).replaceAll('\n', ' ');
      const others = Object.entries(row).filter(([name]) => !names.includes(name));
      expect(JSON.stringify(JSON.parse(rowJsonOf(text, (name) => names.includes(name))))).toBe(
        JSON.stringify(Object.fromEntries(others)),
      );
    }),
  );
});
