import { expect, test } from 'vitest';
import { agreement } from './references.ts';

const reference = {
  custom_id: 'a',
  prompt_tokens: 3,
  pieces: ['The', ' cat', ' sat', '', '日'],
  margins: [3, 2, 0.4, 5, 0.6, 2],
};
const left = (answer: string): string | null => agreement(reference, answer).left;

test.each([
  ['the same answer', 'The cat sat日', 5],
  ['another token where the model was unsure', 'The cat ran', 2],
  ['another token that begins like one of which it was unsure', 'The cat satin', 4],
])('an answer agrees: %s', (_what, answer, tokens) => {
  expect(agreement(reference, answer)).toEqual({ tokens, left: null });
});

test('an answer that leaves the reference where the model is sure does not agree', () => {
  expect(left('A cat sat日')).toBe('"The" after ""');
  expect(left('The dog')).toBe('" cat" after "The"');
  expect(left('The')).toBe('" cat" after "The"');
  expect(left('The cat sat日 on')).toBe('"" after "The cat sat日"');
  expect(agreement({ ...reference, margins: [3, 2, 3, 5, 0.6, 2] }, 'The cat sat月').left).toBe(
    '"日" after "The cat sat"',
  );
});
