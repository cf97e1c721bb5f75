import type { GenerateContext } from '../../../core/backend.ts';
import { isRecord } from '../../../data/is-record.ts';
import type { ServerFacts } from '../server/server-facts.ts';

type Fields = Record<string, unknown>;

const runningUsage = { stream_options: { include_usage: true, continuous_usage_stats: true } };

/**
 * Keys with which servers tell their token counts in each event of a stream: vLLM and SGLang in `usage`, llama-server in
 * `timings`, while it reads a long prompt too.
 */
const keys: Partial<Record<NonNullable<ServerFacts['kind']>, object>> = {
  vllm: runningUsage,
  sglang: runningUsage,
  'llama-server': { return_progress: true, timings_per_token: true },
};

/** What to add to a streamed request, so that the server counts while it answers; nothing where it is not known to. */
export const liveKeys = ({ kind }: Pick<ServerFacts, 'kind'>): object => (kind === null ? {} : (keys[kind] ?? {}));

/** Takes each event of a stream; `isPiece`: it says something. Returns the tokens of the answer that it adds. */
type LiveCounts = (event: Fields, isPiece: boolean) => number;

/**
 * Tells the scheduler of the tokens that each event of one stream adds: by the server's own counts, else one for each
 * piece of the answer, or as many as have logprobs in it.
 */
export function createLiveCounts({ onToken, onPrompt }: Pick<GenerateContext, 'onToken' | 'onPrompt'>): LiveCounts {
  const told = { generated: 0, computed: 0, cached: 0 };
  /** How many there are beyond those that were told. */
  const more = (name: keyof typeof told, total: number): number => {
    const count = Math.max(0, total - told[name]);
    told[name] += count;
    return count;
  };
  return ({ usage, timings, choices }, isPiece) => {
    const computed = more('computed', countIn(timings, 'prompt_n'));
    const cached = more('cached', countIn(timings, 'cache_n'));
    if (computed + cached > 0) onPrompt?.(computed, cached);
    const counted = countIn(usage, 'completion_tokens') || countIn(timings, 'predicted_n');
    const generated = more('generated', counted || told.generated + (isPiece ? tokensOfPiece(choices) : 0));
    if (generated > 0) onToken?.(generated);
    return generated;
  };
}

/** A count of a server's; 0 where there is none. */
function countIn(counts: unknown, name: string): number {
  const count = isRecord(counts) ? counts[name] : 0;
  return typeof count === 'number' && Number.isSafeInteger(count) && count > 0 ? count : 0;
}

function tokensOfPiece(choices: unknown): number {
  const listed = Array.isArray(choices) ? choices.filter(isRecord).map(({ logprobs }) => listedIn(logprobs)) : [];
  return Math.max(1, ...listed);
}

/** Tokens that `logprobs` lists: `content` of chats, `tokens` of completions. */
function listedIn(logprobs: unknown): number {
  const list = isRecord(logprobs) ? (logprobs['content'] ?? logprobs['tokens']) : null;
  return Array.isArray(list) ? list.length : 0;
}
