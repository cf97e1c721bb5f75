import { execFileSync } from 'node:child_process';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  formatBytes,
  formatCount,
  formatCounted,
  formatDuration,
  formatInteger,
  formatLocalTime,
  formatPercent,
  formatRate,
  formatSeconds,
  quoteForShell,
} from '../../src/text/format.ts';

test('a number that was not measured is n/a, and zero is 0', () => {
  expect([formatCount, formatRate, formatPercent, formatBytes, formatDuration].map((format) => format(null))).toEqual(
    Array(5).fill('n/a'),
  );
  expect([formatCount(0), formatRate(0), formatPercent(0), formatBytes(0), formatDuration(0)]).toEqual([
    '0',
    '0.00',
    '0.0%',
    '0 B',
    '0 ms',
  ]);
});

test.each([
  [9999, '9,999'],
  [12_345, '12.3k'],
  [170_000, '170k'],
  [4_560_000, '4.56M'],
])('%d as a count is %s', (value, text) => {
  expect(formatCount(value)).toBe(text);
});

test.each([
  [850, '850 ms'],
  [12_300, '12.3 s'],
  [59_999, '60.0 s'],
  [245_000, '4m 05s'],
  [3_599_600, '1h 00m'],
  [10_920_000, '3h 02m'],
  [126_000_000, '1d 11h'],
])('%d ms are %s', (value, text) => {
  expect(formatDuration(value)).toBe(text);
});

test.each([
  [0.2, '1 s'],
  [20, '20 s'],
  [59.2, '1m 00s'],
  [244.1, '4m 05s'],
  [10_920, '3h 02m'],
])('a limit or an estimate of %d seconds is %s', (seconds, text) => {
  expect(formatSeconds(seconds)).toBe(text);
});

test('a count takes the plural of its noun, but for one', () => {
  expect([0, 1, 1204].map((count) => formatCounted(count, 'line'))).toEqual(['0 lines', '1 line', '1,204 lines']);
  expect(formatCounted(2, 'retry', 'retries')).toBe('2 retries');
});

test('a time is told as the clock of the machine shows it', () => {
  const time = new Date(2026, 10, 30, 8, 5, 9, 120);
  expect(formatLocalTime(time.toISOString())).toBe('2026-11-30 08:05:09');
});

test('sizes, rates, shares and whole numbers read well', () => {
  expect([formatBytes(1023), formatBytes(1536), formatBytes(14 * 1024 ** 3)]).toEqual([
    '1023 B',
    '1.5 KiB',
    '14.0 GiB',
  ]);
  expect([formatRate(0.419), formatRate(46.94), formatRate(1204)]).toEqual(['0.42', '46.9', '1,204']);
  expect([formatPercent(0.4567), formatInteger(170_000)]).toEqual(['45.7%', '170,000']);
});

test('a quoted word comes out of a shell as it went in', () => {
  const word = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0'));
  const run = fc.property(fc.array(word, { minLength: 1, maxLength: 40 }), (words) => {
    const script = `printf '%s\\0' ${words.map(quoteForShell).join(' ')}`;
    expect(execFileSync('sh', ['-c', script]).toString()).toBe(words.map((text) => `${text}\0`).join(''));
  });
  fc.assert(run, { numRuns: 30 });
});

test('a plain word stays unquoted', () => {
  expect(quoteForShell('data/in.results.jsonl')).toBe('data/in.results.jsonl');
});
