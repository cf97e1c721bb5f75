import { addReported } from './measurements.ts';
import type { Answer, Usage } from './completion.ts';
import type { ErrorKind } from './errors.ts';

/** Tokens that one attempt cost the engine; null where nobody counted them. */
export interface AttemptTokens {
  promptTokens: number | null;
  completionTokens: number | null;
  /** Of the prompt, from the engine's cache; null where it does not report them. */
  cachedTokens: number | null;
}

/** The engine sends these back before it begins: they cost nothing. */
const refusals: ReadonlySet<ErrorKind> = new Set<ErrorKind>([
  'rate-limited',
  'overloaded',
  'bad-request',
  'context-too-long',
  'control-token',
  'input',
  'unauthorized',
  'model-not-found',
  'unusable',
]);

export const noTokens: AttemptTokens = { promptTokens: 0, completionTokens: 0, cachedTokens: null };

/**
 * What an attempt cost, however it ended; `answer` is null where it was stopped. `came` tokens of its answer were seen: what
 * breaks off cost at least these, and its prompt, which then nobody counted.
 */
export function tokensOfAttempt(answer: Answer | null, came: number): AttemptTokens {
  const usage = answer?.status === 'completed' ? answer.body.usage : answer?.usage;
  if (usage !== undefined) return tokensOfUsage(usage);
  if (answer?.status === 'failed' && came === 0) return tokensOfFailure(answer.kind);
  return { promptTokens: null, completionTokens: came === 0 ? null : came, cachedTokens: null };
}

export const tokensOfUsage = (usage: CountedTokens): AttemptTokens => ({
  promptTokens: usage.prompt_tokens ?? null,
  completionTokens: usage.completion_tokens ?? null,
  cachedTokens: usage.prompt_tokens_details?.cached_tokens ?? null,
});

type CountedTokens = { [Key in keyof Usage]?: Usage[Key] | null };

/** Of a failure of which nothing else is known. */
export const tokensOfFailure = (kind: ErrorKind): AttemptTokens =>
  refusals.has(kind) ? noTokens : { promptTokens: null, completionTokens: null, cachedTokens: null };

/** What several attempts cost together. */
export interface Spent {
  promptTokens: number;
  completionTokens: number;
  cachedTokens: number | null;
  /** Attempts of which nobody counted all: they cost more than is counted here. */
  uncounted: number;
  /** From sending to the end, summed. */
  latencyMs: number;
}

const nothing: Spent = { promptTokens: 0, completionTokens: 0, cachedTokens: null, uncounted: 0, latencyMs: 0 };

export function addSpent(sum: Spent | null, tokens: AttemptTokens, latencyMs: number): Spent {
  const before = sum ?? nothing;
  return {
    promptTokens: before.promptTokens + (tokens.promptTokens ?? 0),
    completionTokens: before.completionTokens + (tokens.completionTokens ?? 0),
    cachedTokens: addReported(before.cachedTokens, tokens.cachedTokens),
    uncounted: before.uncounted + Number(isUncounted(tokens)),
    latencyMs: before.latencyMs + latencyMs,
  };
}

export const isUncounted = ({ promptTokens, completionTokens }: AttemptTokens): boolean =>
  promptTokens === null || completionTokens === null;
