import { describe, expect, test } from 'vitest';
import { cutsPrompts, factsOf, versionFacts } from '../../../../src/backends/ollama/http/versions.ts';

describe('what is known of a version', () => {
  const about = (version: string, word: string): boolean => factsOf(version).some(({ text }) => text.includes(word));

  test('holds from the first to the last', () => {
    const versions = ['0.12.5', '0.24.0', '0.30.0', '0.30.1', '0.33.2', '0.33.3'];
    expect(versions.map((version) => about(version, 'silently'))).toEqual([true, false, false, false, false, false]);
    expect(versions.map((version) => about(version, 'not in its cache'))).toEqual([
      false,
      false,
      true,
      false,
      false,
      false,
    ]);
    expect(versions.map((version) => about(version, 'n/a'))).toEqual([true, true, true, true, true, false]);
    expect(versions.map((version) => about(version, 'LLAMA_ARG_CACHE_RAM'))).toEqual([
      false,
      false,
      true,
      true,
      true,
      true,
    ]);
    expect([about('0.32.9', 'repeat_penalty'), about('0.32.10', 'repeat_penalty')]).toEqual([true, false]);
  });

  test.each(['0.0.0', '0.0.0-dirty', '', 'main', 'v0.34.0'])('is nothing where it is no release: %j', (version) => {
    expect(factsOf(version)).toEqual([]);
  });

  test('is told in sentences without a full stop, as those of doctor', () => {
    for (const { text } of versionFacts) expect(text).toMatch(/^[a-z].*[^.]$/);
    expect(new Set(versionFacts.map(({ id }) => id)).size).toBe(versionFacts.length);
  });
});

test.each([
  ['0.12.5', true],
  ['0.12.6', false],
  ['0.34.0', false],
  ['0.0.0', false],
  ['main', false],
])('%s cuts prompts in silence: %s', (version, cuts) => {
  expect(cutsPrompts(version)).toBe(cuts);
});
