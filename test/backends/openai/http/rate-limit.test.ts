import { expect, test } from 'vitest';
import { readRateLimit, readReset } from '../../../../src/backends/openai/http/rate-limit.ts';

const now = Date.parse('2026-11-22T12:00:00Z');

test.each([
  ['1s', 1000],
  ['6m0s', 360_000],
  ['20ms', 20],
  ['2m59.56s', 179_560],
  ['1h2m3s', 3_723_000],
  ['1d', 86_400_000],
  ['0s', 0],
  ['7', 7000],
  ['0.5', 500],
  [String(now / 1000 + 3), 3000],
  [String(now + 1500), 1500],
  [String(now - 1500), 0],
  ['2026-11-22T12:00:04Z', 4000],
  ['Sun, 22 Nov 2026 12:00:05 GMT', 5000],
  ['', null],
  ['soon', null],
  ['5 apples', null],
])('a reset of "%s" is %s ms away', (text, ms) => {
  expect(readReset(text, now)).toBe(ms);
});

test.each([
  [429, { 'retry-after': '2' }, { retryAfterMs: 2000, pauseMs: 2000 }],
  [
    429,
    { 'retry-after': 'Sun, 22 Nov 2099 12:00:00 GMT' },
    { retryAfterMs: expect.any(Number) as number, pauseMs: expect.any(Number) as number },
  ],
  [429, { 'retry-after': '2', 'retry-after-ms': '1200' }, { retryAfterMs: 1200, pauseMs: 1200 }],
  [429, {}, {}],
  [429, { 'retry-after': 'soon' }, {}],
  [429, { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '6m0s' }, { pauseMs: 360_000 }],
  [503, { 'retry-after': '2' }, { retryAfterMs: 2000 }],
  [200, { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '1s' }, { pauseMs: 1000 }],
  [200, { 'x-ratelimit-remaining-requests': '1', 'x-ratelimit-reset-requests': '1s' }, {}],
  [200, { 'x-ratelimit-remaining-requests': '', 'x-ratelimit-reset-requests': '1s' }, {}],
  [200, { 'x-ratelimit-remaining-requests': '0' }, {}],
  [200, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(now + 2000) }, { pauseMs: 2000 }],
  [
    200,
    {
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '20ms',
      'x-ratelimit-remaining-tokens': '0',
      'x-ratelimit-reset-tokens': '3s',
    },
    { pauseMs: 3000 },
  ],
])('%s with %j', (status, headers, expected) => {
  expect(readRateLimit(status, headers, now)).toEqual(expected);
});
