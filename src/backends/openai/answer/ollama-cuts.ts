import type { Failure, ResponseBody } from '../../../core/completion.ts';
import { isRecord } from '../../../data/is-record.ts';
import { type CutCheck, createCutCheck } from '../../http/cut-check.ts';
import { parsedOrText } from '../../http/json-text.ts';
import type { OpenaiClient } from '../http/client.ts';

/** A failure where the server cut the prompt of an answer, by its count of tokens. */
export type PromptCheck = (body: ResponseBody, signal: AbortSignal) => Promise<Failure | null>;

export const trustingCheck: PromptCheck = async () => null;

const advice = 'give it a larger window (OLLAMA_CONTEXT_LENGTH), or use -b ollama, which never cuts';

/** Ollama's /v1 cuts in silence. Its window is known once the model is loaded, by the first answer. */
export function createOllamaCheck(client: OpenaiClient, model: string): PromptCheck {
  let check: CutCheck | null = null;
  return async ({ usage }, signal) => {
    if (usage === undefined) return null;
    if (check === null) {
      const window = await loadedWindow(client, model, signal);
      if (window !== null) check = createCutCheck(window, true, advice);
    }
    return check?.(usage.prompt_tokens, null) ?? null;
  };
}

async function loadedWindow(client: OpenaiClient, model: string, signal: AbortSignal): Promise<number | null> {
  const response = await client.get(`${client.place.root}/api/ps`, signal);
  const body = parsedOrText(response.text);
  const models = isRecord(body) && Array.isArray(body['models']) ? body['models'].filter(isRecord) : [];
  const loaded = models.find(({ name }) => name === model || name === `${model}:latest`);
  const window = loaded?.['context_length'];
  return typeof window === 'number' ? window : null;
}
