import type { MockFate } from './answer.ts';
import type { MockOptions } from './options.ts';
import type { PromptTokens } from './words.ts';

/** What an engine that is no longer fresh, or has much to do, adds to the time of an answer. */
interface MockLoad {
  /** Answered since the engine was opened. */
  answered: number;
  /** Being worked on, this request among them. */
  inFlight: number;
}

export interface AnswerTimes {
  /** Milliseconds to the first token, and from there to the end. */
  firstMs: number;
  restMs: number;
}

interface Asked {
  fate: MockFate;
  load: MockLoad;
  prompt: PromptTokens;
  completionTokens: number;
}

/** An answer whose tokens have no speed comes whole, at its end. */
export function timesOf(options: MockOptions, { fate, load, prompt, completionTokens }: Asked): AnswerTimes {
  const { latency_ms: latencyMs, tokens_per_second: speed, prompt_tokens_per_second: promptSpeed } = options;
  const firstMs = options.ttft_ms ?? (speed === undefined ? latencyMs : 0);
  const decodeMs = speed === undefined ? 0 : (completionTokens / speed) * 1000;
  const restMs = Math.max(latencyMs - firstMs, decodeMs);
  const readMs = promptSpeed === undefined ? 0 : ((prompt.tokens - prompt.cachedTokens) / promptSpeed) * 1000;
  const pace = fate.pace * slowness(options, load);
  return { firstMs: (readMs + firstMs) * pace, restMs: restMs * pace };
}

const slowness = ({ slowdown, crowding }: MockOptions, { answered, inFlight }: MockLoad): number =>
  (1 + (slowdown * answered) / 1000) * (1 + crowding * (inFlight - 1));

/** Keeps this process busy, as an engine in it would. */
export function keepBusy(durationMs: number): void {
  const endsAt = performance.now() + durationMs;
  while (performance.now() < endsAt);
}
