import { addMeasured } from './add-measured.ts';
import type { ErrorGroup, ErrorKind } from './errors.ts';
import { groupOf } from './errors.ts';
import type { ResultSample } from './events.ts';
import type { Snapshot } from './snapshot.ts';

export type Counts = Pick<Snapshot, 'done' | 'succeeded' | 'failed' | 'tokens' | 'errors' | 'errorGroups'>;

export interface Tally {
  add(sample: ResultSample): void;
  /** Takes one failed result back: another line stands for its request now. Its tokens were spent, and stay. */
  forget(kind: ErrorKind): void;
  counts(): Counts;
}

/** Counts results, their tokens and their errors: what the live display and the report have in common. */
export function createTally(): Tally {
  const errors = new Map<ErrorKind, number>();
  let succeeded = 0;
  let failed = 0;
  let prompt: number | null = 0;
  let completion: number | null = 0;
  let cached: number | null = null;
  let promptOfReporting = 0;

  const addErrors = (kind: ErrorKind, change: 1 | -1): void => {
    failed += change;
    errors.set(kind, (errors.get(kind) ?? 0) + change);
  };

  return {
    add(sample) {
      if (sample.kind === null) succeeded++;
      else addErrors(sample.kind, 1);
      prompt = addMeasured(prompt, sample.promptTokens);
      completion = addMeasured(completion, sample.completionTokens);
      if (sample.cachedTokens === null) return;
      cached = (cached ?? 0) + sample.cachedTokens;
      promptOfReporting += sample.promptTokens ?? 0;
    },
    forget: (kind) => addErrors(kind, -1),
    counts: () => ({
      done: succeeded + failed,
      succeeded,
      failed,
      tokens: {
        prompt,
        completion,
        cached,
        cacheHitRate: cached === null || promptOfReporting === 0 ? null : cached / promptOfReporting,
      },
      ...errorCounts(errors),
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
