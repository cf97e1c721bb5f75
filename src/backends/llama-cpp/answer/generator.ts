import type { LlamaGrammar } from 'node-llama-cpp';
import type { Generation, GenerationTask } from './generate-answer.ts';

/**
 * Makes the answer to a prompt of tokens. Rejects with the signal's reason when aborted, and with an `EngineError` of the
 * kind `server-error` where the evaluation fails.
 */
export type Generator = (task: GeneratorTask) => Promise<TimedGeneration>;

interface GeneratorTask extends Omit<GenerationTask, 'grammar'> {
  grammar: LlamaGrammar | null;
  /** Called when the prompt waits for no other request any more. */
  onActivity: () => void;
}

export interface TimedGeneration extends Generation {
  /** Milliseconds for which the prompt waited for other requests. */
  queueMs: number;
}
