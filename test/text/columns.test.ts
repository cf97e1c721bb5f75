import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { breakText } from '../../src/text/break-text.ts';
import { columnsOf, cutToColumns } from '../../src/text/columns.ts';

test('columns are those of a terminal', () => {
  expect(['abc', '日本語', 'e\u0301', 'ｶ', '한국어', ''].map(columnsOf)).toEqual([3, 6, 1, 1, 6, 0]);
});

test('a text is cut between its characters, and never wider than asked', () => {
  expect(cutToColumns('日本語', 6)).toBe('日本語');
  expect(cutToColumns('日本語の', 6)).toBe('日本…');
  expect(cutToColumns('e\u0301e\u0301e\u0301', 2)).toBe('e\u0301…');
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', '語', 'é', ' ') }),
      fc.integer({ min: 1, max: 9 }),
      (text, max) => {
        const cut = cutToColumns(text, max);
        expect(columnsOf(cut)).toBeLessThanOrEqual(max);
        expect(cut === text || cut.endsWith('…')).toBe(true);
      },
    ),
  );
});

test('lines are broken at blanks by the columns that their words take', () => {
  expect(breakText('the model 模型模型 is slow', 12)).toEqual(['the model', '模型模型 is', 'slow']);
  expect(breakText('a-word-longer-than-a-line is whole', 8)).toEqual(['a-word-longer-than-a-line', 'is whole']);
  expect(breakText('', 8)).toEqual(['']);
});
