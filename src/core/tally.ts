import type { AttemptTokens } from './attempt-tokens.ts';
import type { ErrorGroup, ErrorKind } from './errors.ts';
import { groupOf } from './errors.ts';
import type { ResultSample } from './events.ts';
import type { Snapshot } from './snapshot.ts';
import { createTokenTally } from './token-tally.ts';

export type Counts = Pick<Snapshot, 'done' | 'succeeded' | 'failed' | 'tokens' | 'errors' | 'errorGroups' | 'notes'>;

export interface Tally {
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
export function createTally(): Tally {
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
