import { isRecord } from '../../core/is-record.ts';
import { parsedOrText } from '../server/json-text.ts';

/** A model of a server's `/v1/models`. */
export interface ListedModel {
  name: string;
  /** Tokens of its context window; null where the server does not say. */
  contextTokens: number | null;
}

export interface ModelList {
  /** What the server says of itself: `vllm`, `llamacpp`, `sglang`, `library` (an Ollama server), ...; null where it doesn't. */
  kind: string | null;
  models: ListedModel[];
}

/** `{"data": [{"id": ..., "owned_by": ..., "max_model_len": ...}]}`; null for anything else. */
export function readModelList(text: string): ModelList | null {
  const body = parsedOrText(text);
  if (!isRecord(body) || !Array.isArray(body['data'])) return null;
  const rows = body['data'].filter(isRecord);
  if (rows.length < body['data'].length || !rows.every(({ id }) => typeof id === 'string')) return null;
  const owner = rows[0]?.['owned_by'];
  const models = rows.map(({ id, max_model_len: tokens }) => ({
    name: id as string,
    contextTokens: typeof tokens === 'number' ? tokens : null,
  }));
  return { kind: typeof owner === 'string' ? owner : null, models };
}

/**
 * Is a model listed by this name? Servers take more names than they list: Ollama leaves out `:latest`, Gemini has `models/`
 * in front, routers take a variant behind a colon, or whatever fits their `openai/*`.
 */
export const isListed = (models: readonly ListedModel[], model: string): boolean =>
  models.some(
    ({ name }) =>
      name === model ||
      name === `${model}:latest` ||
      name === `models/${model}` ||
      model.startsWith(`${name}:`) ||
      (name.endsWith('*') && model.startsWith(name.slice(0, -1))),
  );
