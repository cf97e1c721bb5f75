import { expect, test } from 'vitest';
import { oneLine } from '../../src/text/one-line.ts';

test.each([
  ['as it is: 日本語, é, 👩‍💻', 'as it is: 日本語, é, 👩‍💻'],
  ['two\r\nlines,\n\n\ta tab\u2028and more', 'two lines, a tab and more'],
  ['\u001B[31mred\u001B[0m, \u001B]0;title\u0007a title', 'red, a title'],
  ['\u009B2J8-bit, \u001B, \u0000, \u0007, \u007F', '8-bit, , , , '],
  ['turned \u202Earound\u202C, \u2066isolated\u2069', 'turned around, isolated'],
])('%j', (text, line) => {
  expect(oneLine(text)).toBe(line);
});

test.each([' ', ' \n', '\u00A0', '\u001B[', '\u200B'])('a text with a million of %j in it takes no time', (text) => {
  const startedAt = process.cpuUsage().user;
  expect(oneLine(`a${text.repeat(1e6)}b`).length).toBeLessThanOrEqual(8000);
  // By the square of the length, it would take a quarter of an hour.
  expect((process.cpuUsage().user - startedAt) / 1e6).toBeLessThan(30);
});
