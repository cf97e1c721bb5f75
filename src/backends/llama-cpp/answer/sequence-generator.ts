import type { LlamaContext, LlamaContextSequence } from 'node-llama-cpp';
import type { LoadedEngine } from '../load-engine.ts';
import type { EngineSettings } from '../options.ts';
import { createSequencePool } from '../sequences/sequence-pool.ts';
import { refuse, sentenceOf } from '../../request/refuse.ts';
import { generateAnswer } from './generate-answer.ts';
import type { Generator } from './generator.ts';
import { createRounds } from '../sequences/rounds.ts';
import { createSharedBeginnings } from '../sequences/shared-beginnings.ts';

/** Generates on the sequences of a context of the library, as many answers at once as there are. */
export function createSequenceGenerator(
  { engine, model, lastLog }: Pick<LoadedEngine, 'engine' | 'model' | 'lastLog'>,
  context: LlamaContext,
  { sequences }: Pick<EngineSettings, 'sequences'>,
): Generator {
  const places = Array.from({ length: sequences }, () => context.getSequence());
  const pool = createSequencePool(places);
  // On a CPU a prompt takes as long alone as in the batch of the tokens, and its numbers depend on what is beside it.
  const inRound = createRounds(model.llama.gpu === false ? ['copy', 'prompt'] : ['copy']);
  const beginnings = createSharedBeginnings(places, inRound);
  return async ({ grammar, onActivity, ...task }) => {
    const askedAt = performance.now();
    const sequence = await pool.acquire(task.prompt, task.signal);
    try {
      await beginnings.enter(sequence, task.prompt, task.signal);
      const queueMs = performance.now() - askedAt;
      onActivity();
      const state = grammar === null ? null : new engine.LlamaGrammarEvaluationState({ model, grammar });
      const onPrompt = (computed: number, cached: number): void => {
        beginnings.advance(sequence, computed + cached);
        task.onPrompt(computed, cached);
      };
      return { ...(await generateAnswer({ sequence, inRound }, { ...task, grammar: state, onPrompt })), queueMs };
    } catch (error) {
      task.signal.throwIfAborted();
      await forget(sequence);
      throw refuse('server-error', `The evaluation failed: ${sentenceOf(error)}${lastLog()}`);
    } finally {
      beginnings.leave(sequence);
      pool.release(sequence);
    }
  };
}

/** Clears a sequence whose content is unknown after a failed evaluation. */
const forget = (sequence: LlamaContextSequence): Promise<void> => sequence.clearHistory().catch(() => {});
