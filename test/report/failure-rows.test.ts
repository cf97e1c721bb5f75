import { expect, test } from 'vitest';
import { failureTexts, wrapWords } from '../../src/report/failures/failure-rows.ts';

test('each kind has its message and ids, and what no message stands for is counted', () => {
  const failures = [
    { kind: 'input' as const, count: 9, message: 'not JSON', ids: ['a', 'b', 'c', 'd', 'e'] },
    { kind: 'timeout' as const, count: 1, message: 'no answer in\n5 s \u001B[31m', ids: ['\u202Ex'] },
  ];
  expect(failureTexts({ byKind: { input: 12, timeout: 1, empty: 2 }, byGroup: {}, failures })).toEqual([
    'input 9: not JSON (a, b, c, d, e, ...)',
    'input 3: for other reasons',
    String.raw`timeout 1: no answer in\n5 s \x1b[31m (\u202ex)`,
    'empty 2',
  ]);
});

test('a text is broken at its blanks alone', () => {
  expect(wrapWords('one two three sixteenletters! x', 9)).toEqual(['one two', 'three', 'sixteenletters!', 'x']);
});
