import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createControlTokens } from '../../../src/backends/request/control-tokens.ts';

const texts = ['<s>', '</s>', '<|end|>', '<|', 'aa', '(.*)'];

describe('control tokens', () => {
  test('are found, and are nowhere once they are broken up', () => {
    const tokens = createControlTokens(texts);
    const pieces = fc.array(fc.constantFrom(...texts, '<', 's', '>', 'a', '|', '\n', '🙂'));
    fc.assert(
      fc.property(pieces, (parts) => {
        const text = parts.join('');
        const broken = tokens.breakUp(text, '\u{E000}');
        expect(tokens.isIn(text)).toBe(texts.some((token) => text.includes(token)));
        expect(tokens.isIn(broken)).toBe(false);
        expect(broken.replaceAll('\u{E000}', '')).toBe(text);
      }),
    );
  });

  test('leave every text alone where a model has none', () => {
    const tokens = createControlTokens([]);
    expect(tokens.isIn('<|im_end|>')).toBe(false);
    expect(tokens.breakUp('<|im_end|>', 'x')).toBe('<|im_end|>');
  });
});
