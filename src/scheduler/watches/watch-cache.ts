import type { Backend, CacheFacts } from '../../core/backend.ts';
import type { Answer } from '../../core/completion.ts';
import type { Notify } from '../../core/events.ts';
import { type BatchRequest, textOf } from '../../core/request.ts';
import { formatInteger, formatPercent } from '../../text/format.ts';

/** Answers that are looked at together, and those that are let pass before the next look. */
const lookedAt = 60;
const letPass = 2000;
/** A cache is expected to help where prompts share this much of themselves, and so many tokens. */
const minShare = 0.3;
const minTokens = 32;
/** Part of what is shared that must come from the cache; with less, something is wrong. */
const minCached = 0.25;
/** Where only times tell: prompts must share so much, and be read so much faster than the first ones were. */
const minShareByTime = 0.7;
const minSpeedUp = 1.5;

/** Compares what the prompts share with what came from the engine's prefix cache. */
export interface CacheWatch {
  /** Takes each answer, with the worker that asked: it shares its prompt's beginning with the worker's request before. */
  onAnswer: (worker: number, request: BatchRequest, answer: Answer) => void;
}

/** Tells once where the engine computes again and again what the prompts share, with the cause where the engine knows it. */
export function watchCache({ backend, notify }: { backend: Backend; notify: Notify }): CacheWatch {
  const prompts: string[] = [];
  const cold = createReading();
  let look = createLook();
  let toPass = 0;
  let isTold = false;

  const tell = async (facts: CacheFacts): Promise<void> => {
    isTold = true;
    const cause = await (backend.inspection?.explainCache?.(facts).catch(() => null) ?? null);
    if (cause !== '') notify({ topic: 'cache', text: [describe(facts), cause ?? ''].join(' ').trimEnd() });
  };

  return {
    onAnswer(worker, request, answer) {
      if (isTold || toPass-- > 0 || answer.status !== 'completed') return;
      const usage = answer.body.usage;
      const text = promptOf(request);
      const before = prompts[worker];
      prompts[worker] = text;
      if (usage === undefined || text === '') return;
      const { promptMs = null } = answer;
      // The first request of a worker finds nothing in a cache.
      if (before === undefined) return cold.add(usage.prompt_tokens, promptMs);
      look.add(sharedLength(before, text) / text.length, usage, promptMs);
      if (look.size() < lookedAt) return;
      const facts = look.read(cold.tokensPerMs());
      look = createLook();
      toPass = letPass;
      prompts.length = 0;
      if (facts !== null) void tell(facts);
    },
  };
}

/** The text that decides what of a prompt can be cached; empty for what is no prompt. */
const promptOf = ({ body: { messages, prompt } }: BatchRequest): string =>
  messages === undefined
    ? (prompt ?? '')
    : messages.map(({ role, content }) => `${role}\n${textOf(content)}`).join('\n');

function sharedLength(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  let index = 0;
  while (index < length && left.charCodeAt(index) === right.charCodeAt(index)) index++;
  return index;
}

/** Prompt tokens, and the time that the engine took to read them. */
function createReading() {
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

/** Sums over the answers of one look. */
function createLook() {
  const reading = createReading();
  const sums = { answers: 0, prompt: 0, shared: 0, cached: 0, reporting: 0 };
  return {
    size: () => sums.answers,
    add(share: number, usage: CountedUsage, promptMs: number | null): void {
      const cached = usage.prompt_tokens_details?.cached_tokens;
      sums.answers++;
      sums.prompt += usage.prompt_tokens;
      sums.shared += share * usage.prompt_tokens;
      sums.cached += cached ?? 0;
      sums.reporting += Number(cached !== undefined);
      reading.add(usage.prompt_tokens, promptMs);
    },
    /** The facts of a cache that does not work; null where it works, or where nobody can say. */
    read(coldTokensPerMs: number | null): CacheFacts | null {
      const { answers, prompt, shared, cached, reporting } = sums;
      const facts = { promptTokens: prompt / answers, sharedTokens: shared / answers };
      if (shared < minShare * prompt || facts.sharedTokens < minTokens) return null;
      if (reporting === answers)
        return cached < minCached * shared ? { ...facts, cachedTokens: cached / answers } : null;
      const now = reading.tokensPerMs();
      if (reporting > 0 || coldTokensPerMs === null || now === null || shared < minShareByTime * prompt) return null;
      return now < minSpeedUp * coldTokensPerMs ? { ...facts, cachedTokens: null } : null;
    },
  };
}

function describe({ promptTokens, sharedTokens, cachedTokens }: CacheFacts): string {
  const shared = `about ${formatInteger(Math.round(sharedTokens))} of the ${formatInteger(Math.round(promptTokens))} tokens of a prompt are the same as in the prompt before`;
  const seen =
    cachedTokens === null
      ? 'the engine takes as long to read them as it took at first'
      : `only ${formatPercent(cachedTokens / promptTokens)} of the prompt tokens came from the engine's cache`;
  return `cache: ${shared}, but ${seen}.`;
}
