import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createControlTokens, controlTokenParts } from '../../../src/backends/request/control-tokens.ts';

const texts = ['<s>', '</s>', '<|end|>', '<|', 'aa', '(.*)'];

describe('control tokens', () => {
  test('are found, and are nowhere once they are broken up', () => {
    const tokens = createControlTokens(texts);
    const pieces = fc.array(fc.constantFrom(...texts, '<', 's', '>', 'a', '|', '\n', '🙂'));
    fc.assert(
      fc.property(pieces, (parts) => {
        const text = parts.join('');
        const broken = tokens.breakUp(text, '\u{E000}');
        const found = tokens.find(text);
        expect(found !== null).toBe(texts.some((token) => text.includes(token)));
        if (found !== null) expect(texts.filter((token) => text.includes(token))).toContain(found);
        expect(tokens.find(broken)).toBeNull();
        expect(broken.replaceAll('\u{E000}', '')).toBe(text);
      }),
    );
  });

  test('leave every text alone where a model has none', () => {
    const tokens = createControlTokens([]);
    expect(tokens.find('<|im_end|>')).toBeNull();
    expect(tokens.breakUp('<|im_end|>', 'x')).toBe('<|im_end|>');
  });

  test('the longest is named of those that begin at one place', () => {
    expect(createControlTokens(['<|a', '<|a|>', '<|']).find('x <|a|> y')).toBe('<|a|>');
  });

  test('what a template may complete is a part of one', () => {
    expect(controlTokenParts('<|im_end|>')).toEqual(['<|im_end|>', '|im_end|>', '<|im_end|', '|im_end|']);
    expect(controlTokenParts('<s>')).toEqual(['<s>']);
    expect(controlTokenParts('[INST]')).toEqual(['[INST]', 'INST]', '[INST']);
  });
});
