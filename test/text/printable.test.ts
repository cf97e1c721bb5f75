import { expect, test } from 'vitest';
import { printable } from '../../src/text/printable.ts';

test('control characters and invisible ones are shown as such', () => {
  expect(printable('a\u001B[31m\nb\u202Ec\u007F')).toBe(String.raw`a\x1b[31m\nb\u202ec\x7f`);
});

test('a long text is cut with an ellipsis, between characters', () => {
  expect(printable('abcdef', 4)).toBe('abc…');
  expect(printable('😀😀😀😀', 3)).toBe('😀😀…');
  expect(printable('😀😀😀', 3)).toBe('😀😀😀');
});
