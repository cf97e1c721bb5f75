import { addReported } from './measurements.ts';
import type { Answer, Usage } from './completion.ts';
import type { ErrorKind } from './errors.ts';

/** Tokens that one attempt cost the engine; null where they were not counted. */
export interface AttemptTokens {
  promptTokens: number | null;
  completionTokens: number | null;
  /** Prompt tokens that came from the engine's cache; null where the engine does not report them. */
  cachedTokens: number | null;
}

/** Tokens of an attempt that the samples of what is in flight do not hold: it is over, and the engine has counted it. */
export interface RestTokens extends AttemptTokens {
  /** Milliseconds before the end over which the answer came. */
  overMs: number;
}

/** Kinds of failures with which an engine refuses a request before it computes anything: they cost no tokens. */
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

/** Tokens of an attempt that cost nothing. */
export const noTokens: AttemptTokens = { promptTokens: 0, completionTokens: 0, cachedTokens: null };

/**
 * Tokens that an attempt cost, however it ended. `answer` is null where the attempt was stopped. An attempt that broke off
 * without `usage` cost at least the tokens that were received; its prompt tokens are then unknown.
 */
export function tokensOfAttempt(answer: Answer | null, received: number): AttemptTokens {
  const usage = usageOf(answer);
  if (usage !== undefined) return tokensOfUsage(usage);
  // The pieces of a whole answer are no count of its tokens.
  if (answer?.status === 'completed') return { promptTokens: null, completionTokens: null, cachedTokens: null };
  if (answer?.status === 'failed' && received === 0) return tokensOfFailure(answer.kind);
  return { promptTokens: null, completionTokens: received === 0 ? null : received, cachedTokens: null };
}

/** Tokens of an attempt as the engine counted them; undefined where it did not. */
export const usageOf = (answer: Answer | null): Usage | undefined =>
  answer?.status === 'completed' ? answer.body.usage : answer?.usage;

/** Tokens as the `usage` of an answer counts them. */
export const tokensOfUsage = (usage: CountedTokens): AttemptTokens => ({
  promptTokens: usage.prompt_tokens ?? null,
  completionTokens: usage.completion_tokens ?? null,
  cachedTokens: usage.prompt_tokens_details?.cached_tokens ?? null,
});

type CountedTokens = { [Key in keyof Usage]?: Usage[Key] | null };

/** Tokens that a failed attempt cost, by the kind of its failure alone. */
export const tokensOfFailure = (kind: ErrorKind): AttemptTokens =>
  refusals.has(kind) ? noTokens : { promptTokens: null, completionTokens: null, cachedTokens: null };

/** Tokens and time of several attempts together. */
export interface Spent {
  promptTokens: number;
  completionTokens: number;
  cachedTokens: number | null;
  /** Attempts whose tokens were not all counted: the sums are lower limits. */
  uncounted: number;
  /** Milliseconds from sending to the end, summed over the attempts. */
  latencyMs: number;
}

const nothing: Spent = { promptTokens: 0, completionTokens: 0, cachedTokens: null, uncounted: 0, latencyMs: 0 };

/** Adds an attempt to what the attempts before it cost; null where there were none. */
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

/** Were some tokens of the attempt not counted? */
export const isUncounted = ({ promptTokens, completionTokens }: AttemptTokens): boolean =>
  promptTokens === null || completionTokens === null;
