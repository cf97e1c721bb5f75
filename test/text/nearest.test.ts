import { expect, test } from 'vitest';
import { nearest } from '../../src/text/nearest.ts';

const flags = ['--workers', '--model', '--mode', '--output'];

test.each([
  ['--worker', '--workers'],
  ['--modle', '--mode'],
  ['--ouptut', '--output'],
])('%s was meant to be %s', (word, meant) => {
  expect(nearest(word, flags)).toBe(meant);
});

test('a word like none of them has no nearest', () => {
  expect(nearest('--vram-limit', flags)).toBeNull();
  expect(nearest('anything', [])).toBeNull();
});
