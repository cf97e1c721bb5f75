import type { LlamaContext, LlamaContextSequence } from 'node-llama-cpp';

/** CPU threads of the engine. */
export interface ChosenThreads {
  threads: number;
  /** What was tried, in the order of the trials: the median time of a small batch, in milliseconds. */
  trials: { threads: number; ms: number }[];
}

/** Batches of a trial, of which the median counts: one of them may have waited for another program. */
const batchesOfTrial = 5;
/** A trial of so many milliseconds ends with the batches that it has. */
const maxTrialMs = 300;
/** As many tokens as four answers have in a batch. */
const batchTokens = 4;
/** With fewer threads that are so much slower, still fewer would be slower still. */
const hopelessRatio = 1.25;
/** Fewer threads that are hardly slower are taken: the rest of the program needs a core too. */
const equalRatio = 1.03;

/**
 * Finds the number of threads with which a loaded model computes a small batch fastest, and leaves the engine with it. At
 * each step of the model all threads wait for the slowest: more of them are slower where other programs have the cores.
 */
export async function chooseThreads(context: LlamaContext): Promise<ChosenThreads> {
  const { llama } = context.model;
  const all = context.idealThreads;
  const sequence = context.getSequence();
  // The first batch reads the weights from the disk.
  await timeBatch(sequence);
  const trials: ChosenThreads['trials'] = [];
  let fastest = Infinity;
  for (const threads of new Set([all, all - 1, Math.ceil(all / 2), 1])) {
    llama.maxThreads = threads;
    const ms = await timeBatches(sequence);
    trials.push({ threads, ms });
    fastest = Math.min(fastest, ms);
    if (ms > hopelessRatio * fastest) break;
  }
  await sequence.dispose();
  const threads = trials.findLast(({ ms }) => ms <= equalRatio * fastest)?.threads ?? all;
  llama.maxThreads = threads;
  return { threads, trials };
}

async function timeBatches(sequence: LlamaContextSequence): Promise<number> {
  const times: number[] = [];
  const startedAt = performance.now();
  do times.push(await timeBatch(sequence));
  while (times.length < batchesOfTrial && performance.now() - startedAt < maxTrialMs);
  return times.toSorted((one, other) => one - other)[Math.floor(times.length / 2)] ?? 0;
}

async function timeBatch(sequence: LlamaContextSequence): Promise<number> {
  await sequence.clearHistory();
  const tokens = sequence.model.tokenize('one two three four').slice(0, batchTokens);
  const startedAt = performance.now();
  await sequence.evaluateWithoutGeneratingNewTokens(tokens);
  return performance.now() - startedAt;
}
