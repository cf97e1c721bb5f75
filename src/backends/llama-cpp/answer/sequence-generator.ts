import type { LlamaContext, LlamaContextSequence } from 'node-llama-cpp';
import type { LoadedEngine } from '../load-engine.ts';
import type { EngineSettings } from '../options.ts';
import { createSequencePool } from '../sequence-pool.ts';
import { refuse, sentenceOf } from '../../request/refuse.ts';
import { generateAnswer } from './generate-answer.ts';
import type { Generator } from './generator.ts';

/** Generates on the sequences of a context of the library, as many answers at once as there are. */
export function createSequenceGenerator(
  { engine, model, lastLog }: Pick<LoadedEngine, 'engine' | 'model' | 'lastLog'>,
  context: LlamaContext,
  { sequences }: Pick<EngineSettings, 'sequences'>,
): Generator {
  const pool = createSequencePool(context, sequences);
  return async ({ grammar, onActivity, ...task }) => {
    const askedAt = performance.now();
    const sequence = await pool.acquire(task.prompt, task.signal);
    const queueMs = performance.now() - askedAt;
    onActivity();
    try {
      const state = grammar === null ? null : new engine.LlamaGrammarEvaluationState({ model, grammar });
      return { ...(await generateAnswer(sequence, { ...task, grammar: state })), queueMs };
    } catch (error) {
      task.signal.throwIfAborted();
      await forget(sequence);
      throw refuse('server-error', `The evaluation failed: ${sentenceOf(error)}${lastLog()}`);
    } finally {
      pool.release(sequence);
    }
  };
}

/** Clears a sequence whose content is unknown after a failed evaluation. */
const forget = (sequence: LlamaContextSequence): Promise<void> => sequence.clearHistory().catch(() => {});
