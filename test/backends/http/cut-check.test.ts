import { describe, expect, test } from 'vitest';
import { createCutCheck } from '../../../src/backends/http/cut-check.ts';

/** Half the window and its first tokens, or all of it: where servers cut. */
const cuts = [512, 515, 520, 1023, 1024];
const window = 1024;
/** Bytes of a prompt of ordinary density. */
const ordinary = (tokens: number): number => tokens * 4;

describe('a count at which a server cuts', () => {
  test.each(cuts)('is always cut on a server that is known to cut: %i', (tokens) => {
    expect(createCutCheck(window, true)(tokens, ordinary(tokens))).toMatchObject({
      kind: 'context-too-long',
      message: expect.stringMatching(/^The server seems to have cut the prompt .* of a window of 1,024.*\.$/) as string,
    });
  });

  test.each(cuts)('is believed where the prompt is as long as that: %i', (tokens) => {
    const check = createCutCheck(window, false);
    expect(check(tokens, ordinary(tokens))).toBe(null);
    expect(check(100, ordinary(100))).toBe(null);
    expect(check(tokens, ordinary(tokens) * 1.4)).toBe(null);
    expect(check(tokens, ordinary(tokens) / 1.4)).toBe(null);
  });

  test.each(cuts)('is not believed where the prompts before were of another density: %i', (tokens) => {
    const check = createCutCheck(window, false);
    check(100, ordinary(100));
    expect(check(tokens, ordinary(tokens) * 2)).not.toBe(null);
    expect(check(tokens, ordinary(tokens) / 2)).not.toBe(null);
  });

  test('is not believed in the first answer where no text is like that', () => {
    expect(createCutCheck(window, false)(515, 515 * 8)).not.toBe(null);
    expect(createCutCheck(window, false)(515, 100)).not.toBe(null);
  });

  test('is not doubted for the density of a prompt that holds images', () => {
    const check = createCutCheck(window, false);
    expect(check(515, null)).toBe(null);
    check(100, null);
    expect(check(515, ordinary(515))).toBe(null);
    expect(createCutCheck(window, true)(515, null)).not.toBe(null);
  });

  test('teaches nothing of what is usual', () => {
    const check = createCutCheck(window, false);
    check(100, ordinary(100));
    for (let time = 0; time < 5; time++) expect(check(515, 515 * 9)).not.toBe(null);
  });
});

test.each([1, 511, 521, 1022])('another count is none: %i', (tokens) => {
  for (const bytes of [1, 1_000_000]) expect(createCutCheck(window, true)(tokens, bytes)).toBe(null);
});
