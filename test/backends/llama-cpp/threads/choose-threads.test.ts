import { fileURLToPath } from 'node:url';
import { type Llama, type LlamaContext, getLlama } from 'node-llama-cpp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chooseThreads } from '../../../../src/backends/llama-cpp/threads/choose-threads.ts';

let llama: Llama;
let context: LlamaContext;
beforeAll(async () => {
  llama = await getLlama({ gpu: false, build: 'never', maxThreads: 2 });
  const modelPath = fileURLToPath(new URL('../../../../fixtures/tiny-scorer.gguf', import.meta.url));
  const model = await llama.loadModel({ modelPath });
  context = await model.createContext({ sequences: 2, contextSize: 256, threads: 2 });
});
afterAll(() => llama.dispose());

test('the fewest threads that are about as fast as the fastest are taken, and the engine has them', async () => {
  const { threads, trials } = await chooseThreads(context);
  expect(trials.map((trial) => trial.threads)).toEqual([2, 1]);
  const fastest = Math.min(...trials.map(({ ms }) => ms));
  expect(threads).toBe(trials.findLast(({ ms }) => ms <= 1.03 * fastest)?.threads);
  expect(llama.maxThreads).toBe(threads);
  // The sequence of the trials is there for a request.
  expect(context.sequencesLeft).toBe(2);
});
