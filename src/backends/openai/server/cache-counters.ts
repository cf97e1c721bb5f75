import type { CacheCounters } from '../../../core/backend.ts';
import type { OpenaiClient } from '../http/client.ts';
import { sumOf, valuesOf } from './metrics-text.ts';

/** Metrics of the kinds of servers, as `/v1/models` names them: prompt tokens that were looked up, and those that were found. */
const names: Record<string, { prompt: string; cached: string }> = {
  vllm: { prompt: 'vllm:prefix_cache_queries_total', cached: 'vllm:prefix_cache_hits_total' },
};

/** Asks a server what its prefix cache gave so far, to whomever; null where it does not say. */
export async function askCacheCounters(
  { get, place }: Pick<OpenaiClient, 'get' | 'place'>,
  kind: string | null,
): Promise<CacheCounters | null> {
  const named = names[kind ?? ''];
  if (named === undefined) return null;
  const { status, text } = await get(`${place.root}/metrics`, AbortSignal.timeout(maxMs));
  if (status !== 200) return null;
  const [prompt, cached] = [sumOf(valuesOf(text, named.prompt)), sumOf(valuesOf(text, named.cached))];
  return prompt === null || cached === null ? null : { prompt, cached };
}

const maxMs = 5000;
