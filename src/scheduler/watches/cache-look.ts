import type { CacheCounters, CacheFacts } from '../../core/backend.ts';

/** A cache is expected to help where prompts share this much of themselves, and so many tokens. */
const minShare = 0.3;
const minTokens = 32;
/** Part of what is shared that must come from the cache; with less, something is wrong. */
const minCached = 0.25;
/** Where only times tell: prompts must share so much, and be read so much faster than the first ones were. */
const minShareByTime = 0.7;
const minSpeedUp = 1.5;

/** Prompt tokens, and the time that the engine took to read them. */
export function createReading() {
  let tokens = 0;
  let ms = 0;
  return {
    add(promptTokens: number, promptMs: number | null): void {
      if (promptMs === null) return;
      tokens += promptTokens;
      ms += promptMs;
    },
    tokensPerMs: (): number | null => (ms === 0 ? null : tokens / ms),
  };
}

interface CountedUsage {
  prompt_tokens: number;
  prompt_tokens_details?: { cached_tokens: number };
}

export const cachedIn = (usage: CountedUsage): number | undefined => usage.prompt_tokens_details?.cached_tokens;

export type CacheLook = ReturnType<typeof createCacheLook>;

/** Sums over the answers of one look. */
export function createCacheLook() {
  const reading = createReading();
  const sums = { answers: 0, prompt: 0, shared: 0, cached: 0, reporting: 0 };
  return {
    size: () => sums.answers,
    add(share: number, usage: CountedUsage, promptMs: number | null): void {
      const cached = cachedIn(usage);
      sums.answers++;
      sums.prompt += usage.prompt_tokens;
      sums.shared += share * usage.prompt_tokens;
      sums.cached += cached ?? 0;
      sums.reporting += Number(cached !== undefined);
      reading.add(usage.prompt_tokens, promptMs);
    },
    /** The facts of a cache that does not work; null where it works, or where nobody can say. */
    read(coldTokensPerMs: number | null, counted: CacheCounters | null): CacheFacts | null {
      const { answers, prompt, shared } = sums;
      const facts = { promptTokens: prompt / answers, sharedTokens: shared / answers };
      if (shared < minShare * prompt || facts.sharedTokens < minTokens) return null;
      const cached = cachedOf(sums, counted);
      if (cached !== null) return cached < minCached * shared ? { ...facts, cachedTokens: cached / answers } : null;
      const now = reading.tokensPerMs();
      if (sums.reporting > 0 || coldTokensPerMs === null || now === null) return null;
      const isAsSlow = shared >= minShareByTime * prompt && now < minSpeedUp * coldTokensPerMs;
      return isAsSlow ? { ...facts, cachedTokens: null } : null;
    },
  };
}

interface LookSums {
  answers: number;
  prompt: number;
  cached: number;
  /** Answers that report what of them was cached. */
  reporting: number;
}

/** Prompt tokens from the cache, as all answers report them or as the engine counts them; null where neither does. */
function cachedOf({ answers, prompt, cached, reporting }: LookSums, counted: CacheCounters | null): number | null {
  if (reporting === answers) return cached;
  return reporting > 0 || counted === null ? null : (counted.cached / counted.prompt) * prompt;
}
