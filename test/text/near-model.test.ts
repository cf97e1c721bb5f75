import { expect, test } from 'vitest';
import { nearModel } from '../../src/text/near-model.ts';

test.each([
  ['smol', ['gemma.gguf', 'smol.gguf'], 'smol.gguf'],
  ['HuggingFaceTB/SmolLM2-135M-Instruct', ['gemma3', 'smollm2'], 'smollm2'],
  ['google/gemma3', ['gemma3:4b', 'smollm2'], 'gemma3:4b'],
  ['models/smoll.gguf', ['smol.gguf'], 'smol.gguf'],
  ['/srv/models/judge.gguf', ['judge'], 'judge'],
  ['gpt-4o', ['smollm2'], null],
  ['ab', ['cab-driver'], null],
  ['smol', [], null],
])('near %s among %j is %s', (wanted, names, near) => {
  expect(nearModel(wanted, names)).toBe(near);
});
