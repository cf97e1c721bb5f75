import type { TokenCounts } from '../../core/snapshot.ts';

/** Of a request that ended, answered or not, in the mean. Null: not measured. */
export interface RequestTokens {
  prompt: number | null;
  /** Prompt tokens that no cache served. */
  computed: number | null;
  completion: number | null;
}

/**
 * What a request of such a run costs. With all that its failed attempts took, where that was counted; where it was not, the
 * mean of the answers says more than a sum with holes.
 */
export function tokensOfRequest({
  tokens,
  succeeded,
  failed,
}: {
  tokens: TokenCounts;
  succeeded: number;
  failed: number;
}): RequestTokens {
  const isCounted = tokens.uncounted === 0;
  const { prompt, completion } = isCounted ? tokens : tokens.answered;
  const requests = isCounted ? succeeded + failed : succeeded;
  const ofEach = (sum: number | null): number | null => (sum === null || succeeded === 0 ? null : sum / requests);
  const each = { prompt: ofEach(prompt), completion: ofEach(completion) };
  const isComputed = tokens.cached !== null && tokens.prompt !== null && tokens.prompt > 0 && each.prompt !== null;
  const share = isComputed ? 1 - tokens.cached! / tokens.prompt! : null;
  return { ...each, computed: share === null ? null : each.prompt! * share };
}
