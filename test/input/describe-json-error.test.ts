import { expect, test } from 'vitest';
import { describeJsonError } from '../../src/input/describe-json-error.ts';

const describeLine = (line: string): string => {
  try {
    JSON.parse(line);
    return 'JSON';
  } catch (error) {
    return describeJsonError(line, (error as Error).message);
  }
};

test.each([
  ['not json', 'it does not begin with {, at character 1'],
  ['{"a": blub}', 'the text there is not JSON, at character 7'],
  ['{"a":1},', 'a comma after the object, at character 8'],
  ["{'a': 1}", 'single quotes: a Python dict, not JSON; write it with json.dumps, at character 2'],
  ['{"a": "x", "b": \'y\'}', 'single quotes: a Python dict'],
  ['{"a":1}{"b":2}', 'more than one object on the line'],
  ['{"a":NaN}', 'NaN is not JSON'],
  ['{"a":[1,-Infinity]}', '-Infinity is not JSON'],
  ['{"a": None}', 'None is Python, not JSON'],
  ['{"a": True}', 'True is Python'],
  ['{"a": undefined}', 'undefined is not JSON'],
  ['{"a":1,}', 'a comma before the closing }, at character 8'],
  ['{"a":[1,2,]}', 'a comma before the closing ], at character 11'],
  ['{"a":"b', 'it is cut off inside a text'],
  ['{"a":1', 'it is cut off: the end is missing'],
  ['{"a":', 'it is cut off: the end is missing'],
  ['{', 'it is cut off: the end is missing'],
  ['{a: 1}', 'a key without its double quotes, at character 2'],
  ['{“a”: 1}', 'curly quotes'],
  ['{"a": „b“}', 'curly quotes'],
  ['// mine', 'a comment'],
  ['{"a":1} // mine', 'a comment after the object'],
  ['{"a": "say "hi" to me"}', String.raw`a double quote inside a text, which must be written \"`],
  ['{"a":1 "b":2}', 'a comma is missing'],
  ['{"a" 1}', 'no colon after the key'],
  ['{"a"=1}', 'an = in place of a colon'],
  [String.raw`{"a":"C:\Users"}`, String.raw`the backslash of \U must be doubled`],
  ['{"a":"b\tc"}', String.raw`a tab in a text must be written \t`],
  ['{"a":007}', '007 is not how JSON writes a number'],
  ['{"a":.5}', '.5 is not how JSON writes a number'],
  ['{"a":+1}', '+1 is not how JSON writes a number'],
  ['{"a":1]', 'the wrong closing bracket'],
  ['{"a":1} and more', 'more text after the object'],
  ['\uFEFF{"a":1}', 'a byte order mark in the middle of the file'],
])('%s: %s', (line, reason) => {
  expect(describeLine(line)).toContain(reason);
});

test('whatever is no JSON has a reason, and a long line takes no long time', () => {
  for (const line of ['}', ']', ',', ':', '"', '{]', '[}', '{"a"}', '[1 2]', '{,}', '{"a":{}', 'nul', '-', '1e', '\\'])
    expect(describeLine(line)).not.toBe('JSON');
  expect(describeLine(`{"a":"${'x'.repeat(20_000_000)}`)).toContain('cut off');
  expect(describeLine(`[${'{"a":"b\\n"},'.repeat(200_000)}`)).toContain('cut off');
});
