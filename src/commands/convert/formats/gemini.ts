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
import { quoteForShell } from '../../../text/format.ts';
import { type HostedFormat, lines } from './format.ts';

const keys: KeyMap = {
  temperature: asItIs('temperature'),
  top_p: asItIs('topP'),
  top_k: asItIs('topK'),
  max_tokens: asItIs('maxOutputTokens'),
  max_completion_tokens: asItIs('maxOutputTokens'),
  seed: asItIs('seed'),
  stop: stopList('stopSequences'),
  presence_penalty: asItIs('presencePenalty'),
  frequency_penalty: asItIs('frequencyPenalty'),
  response_format(value: unknown) {
    const schema = schemaOf(value);
    if (schema === undefined) return {};
    return { responseMimeType: 'application/json', ...(schema !== null && { responseJsonSchema: schema }) };
  },
};

/**
 * Gemini's Batch API: a file of up to 2 GB; the model is the job's (https://ai.google.dev/gemini-api/docs/batch-api,
 * 2026-06). No number of requests is told.
 */
export const geminiFormat: HostedFormat = {
  label: 'Gemini',
  ending: '.jsonl',
  limits: { requests: Infinity, bytes: 2_000_000_000 },
  idPattern: /^[\x20-\x7e]{1,64}$/,
  isOfOneModel: true,
  frame: lines,
  convert(request, id) {
    const { system, turns } = splitSystem(chatOf(request, 'Gemini'));
    const contents = turns.map(({ role, content }) => ({
      role: role === 'assistant' ? 'model' : 'user',
      parts: carriedParts(content).map(partOf),
    }));
    const generationConfig = carryOver(request.body, 'Gemini', keys);
    return {
      key: id,
      request: {
        contents,
        ...(system !== null && { systemInstruction: { parts: [{ text: system }] } }),
        ...(Object.keys(generationConfig).length > 0 && { generationConfig }),
      },
    };
  },
  commands: ({ path, results, model }) => [
    `UPLOAD=$(curl -s -D - -o /dev/null https://generativelanguage.googleapis.com/upload/v1beta/files -H "x-goog-api-key: $GEMINI_API_KEY" -H "X-Goog-Upload-Protocol: resumable" -H "X-Goog-Upload-Command: start" -H "X-Goog-Upload-Header-Content-Type: application/jsonl" -H "Content-Type: application/json" -d '{"file":{"display_name":"llmbatch"}}' | grep -i '^x-goog-upload-url:' | cut -d' ' -f2 | tr -d '\\r')`,
    `FILE=$(curl -s "$UPLOAD" -H "X-Goog-Upload-Offset: 0" -H "X-Goog-Upload-Command: upload, finalize" --data-binary @${path} | jq -r .file.name)`,
    `BATCH=$(curl -s ${quoteForShell(`https://generativelanguage.googleapis.com/v1beta/models/${encodeURIComponent(model)}:batchGenerateContent`)} -H "x-goog-api-key: $GEMINI_API_KEY" -H "Content-Type: application/json" -d '{"batch":{"display_name":"llmbatch","input_config":{"file_name":"'$FILE'"}}}' | jq -r .name)`,
    `curl -s https://generativelanguage.googleapis.com/v1beta/$BATCH -H "x-goog-api-key: $GEMINI_API_KEY" | jq '.metadata.state, .response.responsesFile'`,
    `curl -s "https://generativelanguage.googleapis.com/download/v1beta/RESPONSES_FILE:download?alt=media" -H "x-goog-api-key: $GEMINI_API_KEY" > ${results}`,
  ],
};

function partOf(part: CarriedPart): object {
  if ('text' in part) return part;
  if ('url' in part) throw new NotCarriedError('Gemini takes no image by its address: put it in as a data URL');
  return { inlineData: { mimeType: part.mediaType, data: part.data } };
}
