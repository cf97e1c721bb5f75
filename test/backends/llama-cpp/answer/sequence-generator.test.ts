import { fileURLToPath } from 'node:url';
import type { LlamaContext, Token } from 'node-llama-cpp';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Generator } from '../../../../src/backends/llama-cpp/answer/generator.ts';
import { readBody } from '../../../../src/backends/llama-cpp/answer/read-body.ts';
import { createSequenceGenerator } from '../../../../src/backends/llama-cpp/answer/sequence-generator.ts';
import { type LoadedEngine, loadEngine } from '../../../../src/backends/llama-cpp/load-engine.ts';
import type { EngineSettings } from '../../../../src/backends/llama-cpp/options.ts';

const settings: EngineSettings = {
  model: 'tiny-scorer',
  server: null,
  path: fileURLToPath(new URL('../../../../fixtures/tiny-scorer.gguf', import.meta.url)),
  gpu: 'off',
  gpuLayers: null,
  threads: 1,
  triesThreads: false,
  sequences: 4,
  contextTokens: 512,
  batchTokens: null,
  flashAttention: null,
  swaFull: null,
  chatTemplate: null,
  allowControlTokens: false,
  allowRepetition: true,
};

/** Tokens that one sequence has in one batch, as the engine itself is given them. */
interface Share {
  sequence: number;
  tokens: number;
}

let loaded: LoadedEngine;
let batches: Share[][];
let generate: Generator;
beforeEach(async () => {
  loaded = await loadEngine(settings);
  const context = loaded.context as LlamaContext;
  batches = watchBatches(context);
  generate = createSequenceGenerator(loaded, context, settings);
});
afterEach(() => loaded.llama.dispose());

/** The engine's package does not declare this. */
interface Addon {
  initBatch: (tokens: number) => void;
  addToBatch: (sequence: number, first: number, tokens: Uint32Array, outputs: Uint32Array) => unknown;
}

interface CopyingSequence {
  _copyStateFromOtherSequence: () => Promise<boolean>;
}

function watchBatches(context: LlamaContext): Share[][] {
  const seen: Share[][] = [];
  const { _ctx: addon } = context as unknown as { _ctx: Addon };
  const { initBatch, addToBatch } = addon;
  const watched: Addon = {
    initBatch(tokens) {
      seen.push([]);
      initBatch.call(addon, tokens);
    },
    addToBatch(sequence, first, tokens, outputs) {
      seen.at(-1)?.push({ sequence, tokens: tokens.length });
      return addToBatch.call(addon, sequence, first, tokens, outputs);
    },
  };
  for (const [name, value] of Object.entries(watched)) Object.defineProperty(addon, name, { value });
  return seen;
}

const tokensOf = (from: number, count: number): Token[] =>
  Array.from({ length: count }, (_, index) => (20 + ((from + index * 7) % 300)) as Token);
const rubric = tokensOf(0, 200);
/** Four prompts with one beginning of 200 tokens, and 20 of their own. */
const prompts = [1, 2, 3, 4].map((number) => [...rubric, ...tokensOf(number, 20)]);

/** An answer of six tokens at most. */
const ask = (prompt: Token[], { signal = new AbortController().signal, by = generate } = {}): ReturnType<Generator> =>
  by({
    prompt,
    limit: 6,
    settings: readBody({ model: 'tiny-scorer', prompt: '' }, 'prompt'),
    allowRepetition: true,
    grammar: null,
    signal,
    onActivity: () => {},
    onPrompt: () => {},
    onFirstToken: () => {},
    onToken: () => {},
  });

/** Tokens of prompts that the engine evaluated: those of answers come one by one. */
const evaluatedOfPrompts = (): number => batches.flat().reduce((sum, { tokens }) => sum + (tokens > 1 ? tokens : 0), 0);

describe('four requests at once', () => {
  test('have each of their tokens in one batch', async () => {
    const answers = await Promise.all([10, 60, 110, 160].map((from) => ask(tokensOf(from, 30))));
    // The first token of an answer comes with its prompt, and the last of one that is cut is not evaluated.
    const lengths = answers.map(({ answerTokens, end }) => (end === 'limit' ? answerTokens - 1 : answerTokens));
    const inBatch = (batch: number): number => lengths.filter((length) => length > batch).length;
    const expected = Array.from({ length: Math.max(...lengths) }, (_, batch) => inBatch(batch));
    expect(batches.map((shares) => shares.length)).toEqual([1, 1, 1, 1, ...expected]);
  });

  test('evaluate what their prompts begin with once, and answer as each does alone', async () => {
    const answers = await Promise.all(prompts.map((prompt) => ask(prompt)));
    expect(answers.map(({ cachedTokens }) => cachedTokens)).toEqual([0, 200, 200, 200]);
    expect(evaluatedOfPrompts()).toBe(200 + 4 * 20);
    for (const [index, prompt] of prompts.entries()) expect(await textAlone(prompt)).toBe(answers[index]?.text);
  });

  test.each<[string, () => Promise<boolean>]>([
    ['says that it failed', async () => false],
    ['throws', () => Promise.reject(new Error('no memory'))],
  ])('evaluate their whole prompts where the copy of a state %s, and answer the same', async (_how, copied) => {
    const { prototype } = loaded.engine.LlamaContextSequence as unknown as { prototype: CopyingSequence };
    const copy = vi.spyOn(prototype, '_copyStateFromOtherSequence').mockImplementation(copied);
    const answers = await Promise.all(prompts.map((prompt) => ask(prompt)));
    expect(copy).toHaveBeenCalledTimes(3);
    copy.mockRestore();
    expect(answers.map(({ cachedTokens }) => cachedTokens)).toEqual([0, 0, 0, 0]);
    expect(evaluatedOfPrompts()).toBe(4 * 220);
    for (const [index, prompt] of prompts.entries()) expect(await textAlone(prompt)).toBe(answers[index]?.text);
  });

  test('go on when the one that they wait for is aborted', async () => {
    const leaving = new AbortController();
    const [first, ...others] = prompts.map((prompt, index) =>
      ask(prompt, index === 0 ? { signal: leaving.signal } : {}),
    );
    leaving.abort(new Error('left'));
    await expect(first).rejects.toThrow('left');
    const answers = await Promise.all(others);
    expect(evaluatedOfPrompts()).toBe(200 + 3 * 20);
    expect(answers[0]?.text).toBe(await textAlone(prompts[1]!));
  });

  test('are aborted while they wait', async () => {
    const leaving = new AbortController();
    const first = ask(prompts[0]!);
    const waiting = ask(prompts[1]!, { signal: leaving.signal });
    leaving.abort(new Error('left'));
    await expect(waiting).rejects.toThrow('left');
    expect((await first).text).toBe(await textAlone(prompts[0]!));
  });
});

/** The answer of a context that has seen nothing else. */
async function textAlone(prompt: Token[]): Promise<string> {
  const other = await loadEngine({ ...settings, sequences: 1 });
  const by = createSequenceGenerator(other, other.context as LlamaContext, { sequences: 1 });
  const { text } = await ask(prompt, { by });
  await other.llama.dispose();
  return text;
}
