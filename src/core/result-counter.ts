import {
  type AttemptTokens,
  type Spent,
  isUncounted,
  noTokens,
  tokensOfFailure,
  tokensOfUsage,
} from './attempt-tokens.ts';
import { type ErrorGroup, type ErrorKind, groupOf, isErrorKind } from './errors.ts';
import type { AnswerNote, ResultSample } from './events.ts';
import { type FailureWords, createFailureGroups, cutWords } from './failures/failure-groups.ts';
import { addMeasured } from './measurements.ts';
import { type ResultDetails, type ResultLine, isSuccess } from './result-line.ts';
import type { ErrorCounts, ResultCounts, TokenCounts } from './snapshot.ts';

/** Sums over the results of a run. */
export interface Counts extends ResultCounts {
  tokens: TokenCounts;
  errors: ErrorCounts;
}

export interface ResultCounter {
  /** Counts a result and the tokens of all its attempts. */
  add: (sample: ResultSample) => void;
  /** Counts a result without its tokens, for callers that report each attempt with `addAttempt` as it ends. */
  addOutcome: (sample: ResultSample) => void;
  /** Counts the tokens of one attempt. `isAnswered`: the attempt ended with an accepted answer. */
  addAttempt: (tokens: AttemptTokens, isAnswered: boolean) => void;
  counts(): Counts;
}

/** Creates a counter of results, their tokens and their errors, which the live display and the reports share. */
export function createResultCounter(): ResultCounter {
  const errors = new Map<ErrorKind, number>();
  const failures = createFailureGroups();
  const tokens = createTokenCounter();
  const notes: NonNullable<ResultCounts['notes']> = {};
  let succeeded = 0;
  let failed = 0;
  let reused = 0;

  const addError = (kind: ErrorKind, failure: ResultSample['failure']): void => {
    failed++;
    errors.set(kind, (errors.get(kind) ?? 0) + 1);
    if (failure !== undefined) failures.add(kind, failure);
  };

  const addOutcome = (sample: ResultSample): void => {
    if (sample.kind !== null) return addError(sample.kind, sample.failure);
    succeeded++;
    if (sample.isReused === true) reused++;
    if (sample.note !== undefined) notes[sample.note] = (notes[sample.note] ?? 0) + 1;
    tokens.addAnswer(sample);
  };

  return {
    add(sample) {
      addOutcome(sample);
      tokens.addAttempt(sample, sample.kind === null);
      if (sample.retried !== undefined) tokens.addSpent(sample.retried);
    },
    addOutcome,
    addAttempt: tokens.addAttempt,
    counts: () => ({
      done: succeeded + failed,
      succeeded,
      failed,
      ...(reused === 0 ? {} : { reused }),
      ...(Object.keys(notes).length === 0 ? {} : { notes: { ...notes } }),
      tokens: tokens.read(),
      errors: { ...errorCounts(errors), failures: failures.read() },
    }),
  };
}

/** Counts of errors by kind and by group, the most frequent kind first. */
function errorCounts(counts: Map<ErrorKind, number>): Omit<ErrorCounts, 'failures'> {
  const byKind: Partial<Record<ErrorKind, number>> = {};
  const byGroup: Partial<Record<ErrorGroup, number>> = {};
  for (const [kind, count] of [...counts].toSorted(([, a], [, b]) => b - a)) {
    byKind[kind] = count;
    byGroup[groupOf(kind)] = (byGroup[groupOf(kind)] ?? 0) + count;
  }
  return { byKind, byGroup };
}

interface TokenCounter {
  addAttempt: (tokens: AttemptTokens, isAnswered: boolean) => void;
  /** Adds the tokens of the attempts before the last one. */
  addSpent: (spent: Spent) => void;
  /** Adds the tokens of a successful answer to `answered`. The answer is counted as an attempt too. */
  addAnswer: (tokens: AttemptTokens) => void;
  read: () => TokenCounts;
}

/**
 * Sums the tokens of attempts. The tokens of an attempt that failed or was stopped are often unknown: it then counts as
 * `uncounted`, and the sums are lower limits. Where the engine does not count the tokens of its answers, the sums are
 * null.
 */
function createTokenCounter(): TokenCounter {
  const sums = { prompt: 0 as number | null, completion: 0 as number | null, uncounted: 0 };
  const answered = { prompt: 0 as number | null, completion: 0 as number | null };
  let cached: number | null = null;
  let promptOfReporting = 0;

  const addCached = ({ cachedTokens, promptTokens }: Pick<AttemptTokens, 'cachedTokens' | 'promptTokens'>): void => {
    if (cachedTokens === null) return;
    cached = (cached ?? 0) + cachedTokens;
    promptOfReporting += promptTokens ?? 0;
  };
  /** Returns null for a sum of 0 while there are attempts whose tokens were not counted: it may not be 0. */
  const nullIfUncounted = (sum: number | null): number | null => (sum === 0 && sums.uncounted > 0 ? null : sum);

  return {
    addAttempt(tokens, isAnswered) {
      if (!isAnswered && isUncounted(tokens)) sums.uncounted++;
      sums.prompt = addMeasured(sums.prompt, isAnswered ? tokens.promptTokens : (tokens.promptTokens ?? 0));
      sums.completion = addMeasured(
        sums.completion,
        isAnswered ? tokens.completionTokens : (tokens.completionTokens ?? 0),
      );
      addCached(tokens);
    },
    addSpent(spent) {
      sums.uncounted += spent.uncounted;
      sums.prompt = addMeasured(sums.prompt, spent.promptTokens);
      sums.completion = addMeasured(sums.completion, spent.completionTokens);
      addCached(spent);
    },
    addAnswer(tokens) {
      answered.prompt = addMeasured(answered.prompt, tokens.promptTokens);
      answered.completion = addMeasured(answered.completion, tokens.completionTokens);
    },
    read: () => ({
      prompt: nullIfUncounted(sums.prompt),
      completion: nullIfUncounted(sums.completion),
      uncounted: sums.uncounted,
      answered: { ...answered },
      cached,
      cacheHitRate: cached === null || promptOfReporting === 0 ? null : cached / promptOfReporting,
    }),
  };
}

/**
 * Takes from a result line what is counted of it. A line that another tool wrote, without `llmbatch`, counts with what
 * it has.
 */
export function sampleOf(line: ResultLine): ResultSample {
  const details = detailsOf(line);
  const { attempts = 1, latency_ms = 0, ttft_ms = null, queue_ms = null, started_at } = details;
  const kind = kindOf(line);
  const sample: ResultSample = {
    kind,
    ...tokensOf(line, kind),
    latencyMs: latency_ms,
    ttftMs: ttft_ms,
    queueMs: queue_ms,
    attempts,
    endedAt: started_at === undefined ? 0 : Date.parse(started_at) + latency_ms,
  };
  noteOutcome(sample, line);
  if (details.retried !== undefined) sample.retried = spentOf(details.retried);
  if (typeof details.server === 'string') sample.server = details.server;
  return sample;
}

function noteOutcome(sample: ResultSample, line: ResultLine): void {
  if (sample.kind !== null) {
    sample.failure = wordsOf(line);
    return;
  }
  const details = detailsOf(line);
  if (details.reused !== undefined) sample.isReused = true;
  const note = noteOf(details);
  if (note !== null) sample.note = note;
}

/** A line that is no request has its number in its message, which its id or the report tells too. */
const wordsOf = ({ custom_id, error }: ResultLine): FailureWords => ({
  id: cutWords(custom_id),
  message: cutWords((error?.message ?? '').replace(/^line \d+: /, '')),
});

const detailsOf = (line: ResultLine): Partial<ResultDetails> => line.llmbatch ?? {};

/** Tokens of the last attempt. Those of a success without `usage` are unknown; a request that was never sent took none. */
function tokensOf(line: ResultLine, kind: ErrorKind | null): AttemptTokens {
  const { attempts, usage } = detailsOf(line);
  if (attempts === 0) return noTokens;
  if (kind === null) return tokensOfUsage(line.response?.body?.usage ?? {});
  const reported = usage ?? line.response?.body?.usage;
  return reported === undefined ? tokensOfFailure(kind) : tokensOfUsage(reported);
}

const spentOf = (retried: NonNullable<ResultDetails['retried']>): Spent => ({
  promptTokens: retried.prompt_tokens,
  completionTokens: retried.completion_tokens,
  cachedTokens: retried.cached_tokens ?? null,
  uncounted: retried.uncounted,
  latencyMs: retried.latency_ms,
});

function noteOf({ empty, unwrapped, unchecked }: Partial<ResultDetails>): AnswerNote | null {
  if (empty === true) return 'empty';
  if (unwrapped !== undefined) return 'unwrapped';
  return unchecked === undefined ? null : 'unchecked';
}

function kindOf(line: ResultLine): ErrorKind | null {
  if (isSuccess(line)) return null;
  const code = line.error?.code ?? '';
  return isErrorKind(code) ? code : 'server-error';
}
