import type { LlamaContext, LlamaEmbeddingContext, LlamaModel } from 'node-llama-cpp';
import type { EngineSettings } from './options.ts';

/**
 * Makes the context of all sequences. A model with a sliding window (Gemma 3) keeps what lies behind it too, where that
 * fits into memory: else a sequence that went on for longer than a batch, and was taken back, has lost its beginning.
 */
export async function createContext(
  { InsufficientMemoryError }: Pick<typeof import('node-llama-cpp'), 'InsufficientMemoryError'>,
  model: LlamaModel,
  settings: EngineSettings,
): Promise<LlamaContext> {
  const { swaFull } = settings;
  try {
    return await create(model, settings, swaFull ?? true);
  } catch (error) {
    const hasWindow = (model.fileInsights.swaSize ?? 0) > 0;
    if (swaFull !== null || !hasWindow || !(error instanceof InsufficientMemoryError)) throw error;
    return create(model, settings, false);
  }
}

const create = (model: LlamaModel, settings: EngineSettings, swaFullCache: boolean): Promise<LlamaContext> =>
  model.createContext({
    sequences: settings.sequences,
    contextSize: settings.contextTokens,
    threads: settings.threads,
    swaFullCache,
    ...(settings.batchTokens === null ? {} : { batchSize: settings.batchTokens }),
    ...flashAttention(model, settings),
  });

/** A text is evaluated as one batch: each of its tokens sees all others. */
export const createEmbeddingContext = (
  model: LlamaModel,
  { contextTokens, threads }: EngineSettings,
): Promise<LlamaEmbeddingContext> =>
  // The engine refuses a text that fills the context.
  model.createEmbeddingContext({ contextSize: contextTokens + 1, batchSize: contextTokens, threads });

/**
 * Chooses flash attention. On a CPU it takes ten times as long for a short prompt behind a long cached prefix (45
 * tokens behind 2,000: 170 ms against 15), which is what a batch is made of. It also computes a piece of fewer than 64
 * tokens with other roundings than a longer one: on SmolLM2, of 8 prompts of 741 tokens behind a cached prefix none had
 * the numbers that it has alone, and 4 another answer; without it all 8 were the same to the last bit, as 4 of 4 on
 * Gemma 3 (of short prompts there some are not). On a GPU the engine knows best.
 */
function flashAttention(model: LlamaModel, settings: EngineSettings): { flashAttention?: boolean } {
  if (settings.flashAttention !== null) return { flashAttention: settings.flashAttention };
  return model.llama.gpu === false ? { flashAttention: false } : {};
}
