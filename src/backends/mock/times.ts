import type { MockOptions } from './options.ts';
import type { PromptTokens } from './words.ts';

export interface AnswerTimes {
  /** Milliseconds to the first token, and from there to the end. */
  firstMs: number;
  restMs: number;
}

interface TimedAnswer {
  /** What the times are multiplied by. */
  jitter: number;
  prompt: PromptTokens;
  completionTokens: number;
}

/** How long an answer takes. One whose tokens have no speed comes whole, at its end. */
export function answerTimes(options: MockOptions, { jitter, prompt, completionTokens }: TimedAnswer): AnswerTimes {
  const { latency_ms: latencyMs, tokens_per_second: speed, prompt_tokens_per_second: promptSpeed } = options;
  const firstMs = options.ttft_ms ?? (speed === undefined ? latencyMs : 0);
  const decodeMs = speed === undefined ? 0 : (completionTokens / speed) * 1000;
  const restMs = Math.max(latencyMs - firstMs, decodeMs);
  const readMs = promptSpeed === undefined ? 0 : ((prompt.tokens - prompt.cachedTokens) / promptSpeed) * 1000;
  return { firstMs: (readMs + firstMs) * jitter, restMs: restMs * jitter };
}
