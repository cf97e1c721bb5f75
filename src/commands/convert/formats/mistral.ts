import { type KeyMap, NotCarriedError, asItIs, carryOver } from './carry-over.ts';
import { quoteForShell } from '../../../text/format.ts';
import { type HostedFormat, lines } from './format.ts';

const keys: KeyMap = {
  ...Object.fromEntries(
    'temperature top_p max_tokens stop presence_penalty frequency_penalty n response_format tools tool_choice parallel_tool_calls messages input'
      .split(' ')
      .map((name) => [name, asItIs(name)]),
  ),
  max_completion_tokens: asItIs('max_tokens'),
  seed: asItIs('random_seed'),
};

/**
 * Mistral's batch jobs: a million requests; the model and the endpoint are the job's
 * (https://docs.mistral.ai/studio-api/batch-processing, 2026-11). No limit of the size is told: that of OpenAI is kept.
 */
export const mistralFormat: HostedFormat = {
  label: 'Mistral',
  ending: '.jsonl',
  limits: { requests: 1_000_000, bytes: 200_000_000 },
  idPattern: /^[\x20-\x7e]{1,64}$/,
  isOfOneModel: true,
  frame: lines,
  convert({ endpoint, body }, id) {
    if (endpoint === '/v1/completions')
      throw new NotCarriedError('Mistral has no /v1/completions: write the prompt as a chat');
    return { custom_id: id, body: carryOver(body, 'Mistral', keys) };
  },
  commands: ({ path, results, errors, model, endpoint }) => [
    `FILE=$(curl -s https://api.mistral.ai/v1/files -H "Authorization: Bearer $MISTRAL_API_KEY" -F purpose=batch -F file=@${path} | jq -r .id)`,
    `JOB=$(curl -s https://api.mistral.ai/v1/batch/jobs -H "Authorization: Bearer $MISTRAL_API_KEY" -H "Content-Type: application/json" -d "$(jq -n --arg model ${quoteForShell(model)} --arg file "$FILE" '{model: $model, endpoint: "${endpoint}", input_files: [$file]}')" | jq -r .id)`,
    `curl -s https://api.mistral.ai/v1/batch/jobs/$JOB -H "Authorization: Bearer $MISTRAL_API_KEY" | jq '{status, output_file, error_file}'`,
    `curl -s https://api.mistral.ai/v1/files/OUTPUT_FILE/content -H "Authorization: Bearer $MISTRAL_API_KEY" > ${results}`,
    `curl -s https://api.mistral.ai/v1/files/ERROR_FILE/content -H "Authorization: Bearer $MISTRAL_API_KEY" > ${errors}`,
  ],
};
