import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { countWords, createPromptCounter, firstWords } from '../../../src/backends/mock/words.ts';

const words = (text: string): string[] => text.split(/[\0-\x20]+/).filter((word) => word !== '');
const anyText = fc
  .array(fc.constantFrom('a', 'word', ' ', '\t', '\n', '\u00a0', '語', '😀'))
  .map((pieces) => pieces.join(''));

test('words are what lies between white space', () => {
  fc.assert(fc.property(anyText, (text) => countWords(text) === words(text).length));
});

test('the first words of a text are its beginning, never longer than asked', () => {
  fc.assert(
    fc.property(anyText, fc.nat(10), (text, limit) => {
      const cut = firstWords(text, limit);
      expect(text.startsWith(cut)).toBe(true);
      expect(words(cut)).toEqual(words(text).slice(0, limit));
    }),
  );
});

test('a worker counts the whole prompt, whatever it already knew of it', () => {
  fc.assert(
    fc.property(fc.array(fc.array(anyText, { maxLength: 4 }), { maxLength: 8 }), (prompts) => {
      const count = createPromptCounter();
      for (const texts of prompts) {
        const { tokens, cachedTokens } = count(0, texts);
        expect(tokens).toBe(words(texts.join('\n')).length);
        expect(cachedTokens).toBeLessThanOrEqual(tokens);
        expect(count(0, texts)).toEqual({ tokens, cachedTokens: tokens });
      }
    }),
  );
});
