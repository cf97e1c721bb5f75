import { addMeasured } from './add-measured.ts';
import { type AttemptTokens, type Spent, isUncounted } from './attempt-tokens.ts';
import type { Snapshot } from './snapshot.ts';

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
export function createTokenTally(): TokenTally {
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
