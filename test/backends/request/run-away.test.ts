import { expect, test } from 'vitest';
import { runAwaySentence } from '../../../src/backends/request/run-away.ts';

const quoted = (text: string): string =>
  /: (".*") came 74 times/.exec(runAwaySentence({ text, times: 74 }, '640 tokens'))![1]!;

test.each([
  ['l text was: The origina', '"text was: The original"', 'starts between words'],
  ['end of it. So it is to the ', '"So it is to the end of it."', 'starts with a sentence'],
  ['too.\n- I do not know, I do not say, ', '"- I do not know, I do not say, too."', 'starts with a line'],
  ['abc', '"abc"', 'is one word'],
  [' \n', '"\\n "', 'is blanks alone'],
  ['word '.repeat(30), `"${'word '.repeat(30).slice(0, 57)}..."`, 'is long'],
])('%j is quoted as %s: it %s', (text, expected) => {
  expect(quoted(text)).toBe(expected);
});

test('the message says how much was written, and what can be done', () => {
  expect(runAwaySentence({ text: 'no. ', times: 1204 }, '640 tokens')).toBe(
    'The answer repeats itself without end, and was stopped after 640 tokens: "no." came 1,204 times in a row. Try another temperature or repeat_penalty, or use --allow-repetition if you want such answers.',
  );
});
