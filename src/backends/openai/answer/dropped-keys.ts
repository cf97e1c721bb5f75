import { isNeutral, requestKeys } from '../../../core/request-keys/request-keys.ts';
import type { RequestBody } from '../../../core/request.ts';
import { refuse } from '../../request/refuse.ts';
import type { ServerFacts } from '../server/server-facts.ts';

const names = (...lines: string[]): string[] => lines.flatMap((line) => line.split(' '));

/** Keys of Ollama's own API, which its `/v1` has no more than other servers do. */
const ofOllama = names(
  'options format keep_alive raw template context images num_predict num_ctx num_keep num_gpu num_thread',
  'num_batch main_gpu use_mmap use_mlock numa low_vram',
);
const ofLlamaServer = names(
  'n_predict grammar json_schema repeat_penalty repeat_last_n typical_p mirostat mirostat_tau mirostat_eta',
  'top_n_sigma dynatemp_range dynatemp_exponent xtc_probability xtc_threshold dry_multiplier dry_base',
  'dry_allowed_length dry_penalty_last_n samplers n_keep n_probs',
);
const ofVllm = names(
  'repetition_penalty min_tokens stop_token_ids allowed_token_ids bad_words thinking_token_budget',
  'truncate_prompt_tokens include_stop_str_in_output skip_special_tokens prompt_logprobs',
);

/**
 * Keys that a known server answers without, and without a word. Found in its source: the request of Ollama's `openai.go`,
 * the schema of `llama-server`, `extra="allow"` of the models of `vllm serve`.
 */
const dropped = new Map<ServerFacts['kind'], ReadonlySet<string>>([
  ['ollama', new Set([...ofOllama, ...ofLlamaServer, ...ofVllm, 'top_k', 'min_p'])],
  ['llama-server', new Set([...ofOllama, ...ofVllm])],
  ['vllm', new Set([...ofOllama, ...ofLlamaServer])],
]);

/** Other words for the same, and engines that have the key. */
const better: Partial<Record<string, Record<string, string>>> = {
  ollama: Object.fromEntries(
    names('top_k min_p repeat_penalty repetition_penalty typical_p').map((key) => [key, 'use -b ollama']),
  ),
  'llama-server': { repetition_penalty: 'use `repeat_penalty`' },
  vllm: { repeat_penalty: 'use `repetition_penalty`' },
};

/** Throws where the server is known to drop a key that asks for something. */
export function refuseDropped(body: RequestBody, { kind }: ServerFacts): void {
  const keys = dropped.get(kind);
  const key = keys && Object.keys(body).find((each) => keys.has(each) && !isNeutral(each, body[each]));
  if (!key || kind === null) return;
  const way = better[kind]?.[key] ?? requestKeys.get(key)?.instead ?? 'remove it or use another backend';
  throw refuse('bad-request', `${kind === 'ollama' ? "Ollama's /v1" : kind} drops \`${key}\` in silence: ${way}.`);
}
