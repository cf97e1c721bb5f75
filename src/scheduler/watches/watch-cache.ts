import type { Backend, CacheCounters, CacheFacts } from '../../core/backend.ts';
import type { Answer, Completion } from '../../core/completion.ts';
import type { Notify } from '../../core/events.ts';
import { type BatchRequest, textOf } from '../../core/request.ts';
import { formatInteger, formatPercent } from '../../text/format.ts';
import { type CacheLook, cachedIn, createCacheLook, createReading } from './cache-look.ts';

/** Answers that are looked at together, and those that are let pass before the next look. */
const lookedAt = 60;
const letPass = 2000;
/** Compares what the prompts share with what came from the engine's prefix cache. */
export interface CacheWatch {
  /** Takes each answer, with the worker that asked: it shares its prompt's beginning with the worker's request before. */
  onAnswer: (worker: number, request: BatchRequest, answer: Answer) => void;
}

/** Tells once where the engine computes again and again what the prompts share, with the cause where the engine knows it. */
export function watchCache({ backend, notify }: { backend: Backend; notify: Notify }): CacheWatch {
  const prompts: string[] = [];
  const cold = createReading();
  let look = createCacheLook();
  /** The counters of an engine that reports nothing with its answers, as of the beginning of the look. */
  let begun: Promise<CacheCounters | null> | null = null;
  let toPass = 0;
  let isTold = false;

  const askCounters = async (): Promise<CacheCounters | null> =>
    (await backend.inspection?.cacheCounters?.().catch(() => null)) ?? null;

  const tell = async (facts: CacheFacts): Promise<void> => {
    isTold = true;
    const cause = await (backend.inspection?.explainCache?.(facts).catch(() => null) ?? null);
    if (cause !== '') notify({ topic: 'cache', text: [describe(facts), cause ?? ''].join(' ').trimEnd() });
  };

  const conclude = async (over: CacheLook, start: Promise<CacheCounters | null> | null): Promise<void> => {
    const counted = start === null ? null : sinceThen(await start, await askCounters());
    const facts = over.read(cold.tokensPerMs(), counted);
    if (facts !== null) await tell(facts);
  };

  const lookAt = (before: string | undefined, text: string, answer: Completion): void => {
    const { usage } = answer.body;
    const promptMs = answer.promptMs ?? null;
    if (usage === undefined || text === '') return;
    // The first request of a worker finds nothing in a cache.
    if (before === undefined) return cold.add(usage.prompt_tokens, promptMs);
    if (look.size() === 0) begun = cachedIn(usage) === undefined ? askCounters() : null;
    look.add(sharedLength(before, text) / text.length, usage, promptMs);
    if (look.size() < lookedAt) return;
    void conclude(look, begun);
    look = createCacheLook();
    toPass = letPass;
    prompts.length = 0;
  };

  return {
    onAnswer(worker, request, answer) {
      if (isTold || toPass-- > 0 || answer.status !== 'completed') return;
      const before = prompts[worker];
      const text = promptOf(request);
      prompts[worker] = text;
      lookAt(before, text, answer);
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

/** What an engine counted between two questions; null where it did not say, or began anew. */
function sinceThen(before: CacheCounters | null, now: CacheCounters | null): CacheCounters | null {
  if (before === null || now === null || now.prompt <= before.prompt) return null;
  return { prompt: now.prompt - before.prompt, cached: now.cached - before.cached };
}

function describe({ promptTokens, sharedTokens, cachedTokens }: CacheFacts): string {
  const shared = `about ${formatInteger(Math.round(sharedTokens))} of the ${formatInteger(Math.round(promptTokens))} tokens of a prompt are the same as in the prompt before`;
  const seen =
    cachedTokens === null
      ? 'the engine takes as long to read them as it took at first'
      : `only ${formatPercent(cachedTokens / promptTokens)} of the prompt tokens came from the engine's cache`;
  return `cache: ${shared}, but ${seen}.`;
}
