import { NotCarriedError } from './carry-over.ts';
import { isNeutral } from '../../../core/request-keys/request-keys.ts';
import { type BatchRequest, type Endpoint, maxTokensOf } from '../../../core/request.ts';
import { type HostedFormat, lines } from './format.ts';

/** Keys that OpenAI's endpoints have, beside those that name the prompt. */
const known = new Set(
  'model messages prompt input temperature top_p frequency_penalty presence_penalty max_tokens max_completion_tokens seed n best_of stop logprobs top_logprobs logit_bias response_format tools tool_choice parallel_tool_calls reasoning_effort verbosity dimensions encoding_format echo suffix modalities prediction service_tier store metadata user prompt_cache_key safety_identifier'.split(
    ' ',
  ),
);

/**
 * OpenAI's Batch API: 50,000 requests, 200 MB, one model and one endpoint a file
 * (https://platform.openai.com/docs/guides/batch, 2026-08).
 */
export const openaiFormat: HostedFormat = {
  label: 'OpenAI',
  ending: '.jsonl',
  limits: { requests: 50_000, bytes: 200_000_000 },
  idPattern: /^[\x20-\x7e]{1,64}$/,
  isOfOneModel: true,
  frame: lines,
  convert: ({ endpoint, body }, id) => ({
    custom_id: id,
    method: 'POST',
    url: endpoint,
    body: carried(body, endpoint),
  }),
  commands: ({ path, results, errors, endpoint }) => [
    `FILE=$(curl -s https://api.openai.com/v1/files -H "Authorization: Bearer $OPENAI_API_KEY" -F purpose=batch -F file=@${path} | jq -r .id)`,
    `BATCH=$(curl -s https://api.openai.com/v1/batches -H "Authorization: Bearer $OPENAI_API_KEY" -H "Content-Type: application/json" -d '{"input_file_id":"'$FILE'","endpoint":"${endpoint}","completion_window":"24h"}' | jq -r .id)`,
    `curl -s https://api.openai.com/v1/batches/$BATCH -H "Authorization: Bearer $OPENAI_API_KEY" | jq '{status, output_file_id, error_file_id}'`,
    `curl -s https://api.openai.com/v1/files/OUTPUT_FILE_ID/content -H "Authorization: Bearer $OPENAI_API_KEY" > ${results}`,
    `curl -s https://api.openai.com/v1/files/ERROR_FILE_ID/content -H "Authorization: Bearer $OPENAI_API_KEY" > ${errors}`,
  ],
};

/** Newer chat models know the limit of an answer by its second name alone, and all know that one. */
function carried(body: BatchRequest['body'], endpoint: Endpoint): object {
  const given = Object.entries(body).filter(([name, value]) => known.has(name) || !isNeutral(name, value));
  const others = given.filter(([name]) => !known.has(name)).map(([name]) => `"${name}"`);
  if (others.length > 0) throw new NotCarriedError(`OpenAI has no ${others.join(', ')}: take it out of the request`);
  if (endpoint !== '/v1/chat/completions') return Object.fromEntries(given);
  const { max_tokens: limit, ...carrying } = Object.fromEntries(given);
  return limit === undefined ? carrying : { ...carrying, max_completion_tokens: maxTokensOf(body) };
}
