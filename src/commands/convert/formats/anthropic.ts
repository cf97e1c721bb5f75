import {
  type KeyMap,
  NotCarriedError,
  type CarriedPart,
  asItIs,
  carryOver,
  chatOf,
  carriedParts,
  schemaOf,
  splitSystem,
  stopList,
} from './carry-over.ts';
import { maxTokensOf } from '../../../core/request.ts';
import type { HostedFormat } from './format.ts';

const keys: KeyMap = {
  temperature(value: number) {
    if (value > 1) throw new NotCarriedError(`"temperature" is ${value}, and Anthropic takes 0 to 1`);
    return { temperature: value };
  },
  top_p: asItIs('top_p'),
  top_k: asItIs('top_k'),
  stop: stopList('stop_sequences'),
  max_tokens: () => ({}),
  max_completion_tokens: () => ({}),
  response_format(value: unknown) {
    const schema = schemaOf(value);
    if (schema === null)
      throw new NotCarriedError('Anthropic has no "json_object" as a format: give a schema (--schema)');
    return schema === undefined ? {} : { output_config: { format: { type: 'json_schema', schema } } };
  },
};

/**
 * Anthropic's Message Batches: 100,000 requests or 256 MB in one JSON body; ids of 1 to 64 letters, digits, `_` and `-`;
 * `max_tokens` is required (https://platform.claude.com/docs/en/api/messages/batches/create, 2026-11).
 */
export const anthropicFormat: HostedFormat = {
  label: 'Anthropic',
  ending: '.json',
  limits: { requests: 100_000, bytes: 256_000_000 },
  idPattern: /^[a-zA-Z0-9_-]{1,64}$/,
  isOfOneModel: false,
  frame: { before: '{"requests":[\n', between: ',\n', after: '\n]}\n' },
  convert(request, id) {
    const { body } = request;
    const { system, turns } = splitSystem(chatOf(request, 'Anthropic'));
    const max = maxTokensOf(body);
    if (max === null) throw new NotCarriedError('Anthropic requires a maximum length of answers: add --max-tokens');
    const messages = turns.map(({ role, content }) => ({
      role,
      content: typeof content === 'string' ? content : carriedParts(content).map(blockOf),
    }));
    const params = { model: body.model, max_tokens: max, ...(system !== null && { system }), messages };
    return { custom_id: id, params: { ...params, ...carryOver(body, 'Anthropic', keys) } };
  },
  commands: ({ path, results }) => [
    `BATCH=$(curl -s https://api.anthropic.com/v1/messages/batches -H "x-api-key: $ANTHROPIC_API_KEY" -H "anthropic-version: 2023-06-01" -H "content-type: application/json" --data-binary @${path} | jq -r .id)`,
    `curl -s https://api.anthropic.com/v1/messages/batches/$BATCH -H "x-api-key: $ANTHROPIC_API_KEY" -H "anthropic-version: 2023-06-01" | jq '{processing_status, request_counts}'`,
    `curl -s https://api.anthropic.com/v1/messages/batches/$BATCH/results -H "x-api-key: $ANTHROPIC_API_KEY" -H "anthropic-version: 2023-06-01" > ${results}`,
  ],
};

function blockOf(part: CarriedPart): object {
  if ('text' in part) return { type: 'text', text: part.text };
  if ('url' in part) return { type: 'image', source: { type: 'url', url: part.url } };
  return { type: 'image', source: { type: 'base64', media_type: part.mediaType, data: part.data } };
}
