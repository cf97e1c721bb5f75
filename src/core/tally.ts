import { type AttemptTokens, type Spent, isUncounted } from './attempt-tokens.ts';
import { type ErrorGroup, type ErrorKind, groupOf } from './errors.ts';
import type { ResultSample } from './events.ts';
import type { Snapshot } from './snapshot.ts';
import { addMeasured } from './measurements.ts';

export type Counts = Pick<Snapshot, 'done' | 'succeeded' | 'failed' | 'tokens' | 'errors' | 'errorGroups' | 'notes'>;

export interface ResultCounter {
  /** Counts a result with all that its attempts cost. */
  add: (sample: ResultSample) => void;
  /** Counts a result alone, for whoever counts each attempt as it ends. */
  addOutcome: (sample: ResultSample) => void;
  addAttempt: (tokens: AttemptTokens, isAnswered: boolean) => void;
  /** Takes one failed result back: another line stands for its request now. Its tokens were spent, and stay. */
  forget(kind: ErrorKind): void;
  counts(): Counts;
}

/** Counts results, their tokens and their errors: what the live display and the report have in common. */
export function createResultCounter(): ResultCounter {
  const errors = new Map<ErrorKind, number>();
  const tokens = createTokenTally();
  const notes: NonNullable<Snapshot['notes']> = {};
  let succeeded = 0;
  let failed = 0;

  const addErrors = (kind: ErrorKind, change: 1 | -1): void => {
    failed += change;
    errors.set(kind, (errors.get(kind) ?? 0) + change);
  };

  const addOutcome = (sample: ResultSample): void => {
    if (sample.kind !== null) return addErrors(sample.kind, 1);
    succeeded++;
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
    forget: (kind) => addErrors(kind, -1),
    counts: () => ({
      done: succeeded + failed,
      succeeded,
      failed,
      tokens: tokens.read(),
      ...errorCounts(errors),
      ...(Object.keys(notes).length === 0 ? {} : { notes: { ...notes } }),
    }),
  };
}

/** Errors by kind and by group, the most frequent first. */
function errorCounts(counts: Map<ErrorKind, number>): Pick<Counts, 'errors' | 'errorGroups'> {
  const errors: Partial<Record<ErrorKind, number>> = {};
  const errorGroups: Partial<Record<ErrorGroup, number>> = {};
  for (const [kind, count] of [...counts].toSorted(([, a], [, b]) => b - a)) {
    if (count <= 0) continue;
    errors[kind] = count;
    errorGroups[groupOf(kind)] = (errorGroups[groupOf(kind)] ?? 0) + count;
  }
  return { errors, errorGroups };
}

interface TokenTally {
  addAttempt: (tokens: AttemptTokens, isAnswered: boolean) => void;
  addSpent: (spent: Spent) => void;
  /** Of an answer that is a success; counted as an attempt too. */
  addAnswer: (tokens: AttemptTokens) => void;
  read: () => Snapshot['tokens'];
}

/**
 * Sums the tokens of attempts. Of one that failed or was stopped often nobody knows: then the sums are the least that was
 * spent, and `uncounted` says so. Of an engine that does not count those of its answers the sums are not known.
 */
function createTokenTally(): TokenTally {
  const sums = { prompt: 0 as number | null, completion: 0 as number | null, uncounted: 0 };
  const answered = { prompt: 0 as number | null, completion: 0 as number | null };
  let cached: number | null = null;
  let promptOfReporting = 0;

  const addCached = ({ cachedTokens, promptTokens }: Pick<AttemptTokens, 'cachedTokens' | 'promptTokens'>): void => {
    if (cachedTokens === null) return;
    cached = (cached ?? 0) + cachedTokens;
    promptOfReporting += promptTokens ?? 0;
  };
  /** Nothing was counted is not the same as nothing was spent. */
  const known = (sum: number | null): number | null => (sum === 0 && sums.uncounted > 0 ? null : sum);

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
      prompt: known(sums.prompt),
      completion: known(sums.completion),
      uncounted: sums.uncounted,
      answered: { ...answered },
      cached,
      cacheHitRate: cached === null || promptOfReporting === 0 ? null : cached / promptOfReporting,
    }),
  };
}
