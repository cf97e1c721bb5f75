import { fileURLToPath } from 'node:url';
import { getLlama, type Llama, type LlamaContext, type LlamaContextSequence, type Token } from 'node-llama-cpp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSequencePool } from '../../../../src/backends/llama-cpp/sequences/sequence-pool.ts';

let llama: Llama;
let context: LlamaContext;
beforeAll(async () => {
  llama = await getLlama({ gpu: false, build: 'never', maxThreads: 1 });
  const modelPath = fileURLToPath(new URL('../../../../fixtures/tiny-scorer.gguf', import.meta.url));
  const model = await llama.loadModel({ modelPath });
  context = await model.createContext({ sequences: 4, contextSize: 256, threads: 1 });
});
afterAll(() => llama.dispose());

const prompt = (...tokens: number[]): Token[] => tokens as Token[];
const sequences = (count: number): LlamaContextSequence[] => Array.from({ length: count }, () => context.getSequence());
const { signal } = new AbortController();

describe('the sequences of a context', () => {
  test('are given to the request that begins most like what they hold', async () => {
    const pool = createSequencePool(sequences(2));
    const [first, second] = [await pool.acquire(prompt(5), signal), await pool.acquire(prompt(6), signal)];
    expect(first).not.toBe(second);
    await first.evaluateWithoutGeneratingNewTokens(prompt(1, 10, 11, 12));
    await second.evaluateWithoutGeneratingNewTokens(prompt(1, 10, 20));
    pool.release(first);
    pool.release(second);
    expect(await pool.acquire(prompt(1, 10, 20, 21), signal)).toBe(second);
    pool.release(second);
    expect(await pool.acquire(prompt(1, 10, 11), signal)).toBe(first);
    pool.release(first);
    // A tie: the one that loses less.
    expect(await pool.acquire(prompt(1, 30), signal)).toBe(second);
  });

  test('are waited for in order, and not by one who left', async () => {
    const pool = createSequencePool(sequences(1));
    const only = await pool.acquire(prompt(1), signal);
    const leaving = new AbortController();
    const order: string[] = [];
    const wait = (name: string, waitSignal: AbortSignal): Promise<void> =>
      pool.acquire(prompt(1), waitSignal).then((sequence) => {
        order.push(name);
        pool.release(sequence);
      });
    const waits = [wait('a', signal), wait('leaving', leaving.signal), wait('b', signal), wait('c', signal)];
    leaving.abort(new Error('left'));
    pool.release(only);
    const settled = await Promise.allSettled(waits);
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    expect(order).toEqual(['a', 'b', 'c']);
  });
});
