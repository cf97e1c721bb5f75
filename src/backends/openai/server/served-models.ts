import type { Served } from '../../../core/backend.ts';
import { type Failure, failure } from '../../../core/completion.ts';
import { classifyResponse, classifyThrown } from '../http/classify-error.ts';
import { type OpenaiClient, createClient } from '../http/client.ts';
import { isRecord } from '../../../data/is-record.ts';
import { nearModel } from '../../../text/near-model.ts';
import { parsedOrText } from '../../http/json-text.ts';
import type { BackendAddress } from '../../../core/connection.ts';
import { namedBaseUrl, openaiPlace } from '../http/base-url.ts';

/**
 * The models of a server; `list` is null where it has no such page, as some proxies. Throws only when the signal
 * aborts.
 */
export async function askModels(
  client: OpenaiClient,
  signal: AbortSignal,
): Promise<{ found: ModelList | null } | Failure> {
  const { url } = client.place;
  try {
    const response = await client.get(`${url}/models`, signal);
    if (response.status === 404 || response.status === 405) return { found: null };
    if (response.status < 200 || response.status >= 300) return classifyResponse(response);
    const found = readModelList(response.text);
    return found === null ? failure('unusable', `What answers at ${url}/models is not a list of models.`) : { found };
  } catch (error) {
    signal.throwIfAborted();
    return classifyThrown(error);
  }
}

/** A model of a server's `/v1/models`. */
export interface ServedModel {
  name: string;
  /** Tokens of its context window; null where the server does not say. */
  contextTokens: number | null;
}

export interface ModelList {
  /**
   * Kind of the server by its own word: `vllm`, `llamacpp`, `sglang`, `library` (an Ollama server), ...; null where it
   * doesn't.
   */
  kind: string | null;
  models: ServedModel[];
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
 * Says whether a model is listed by this name. Servers take more names than they list: Ollama leaves out `:latest`,
 * Gemini puts `models/` in front, routers take a variant behind a colon, or every name that fits their `openai/*`.
 */
export const isListed = (models: readonly ServedModel[], model: string): boolean =>
  models.some(
    ({ name }) =>
      name === model ||
      name === `${model}:latest` ||
      name === `models/${model}` ||
      model.startsWith(`${name}:`) ||
      (name.endsWith('*') && model.startsWith(name.slice(0, -1))),
  );

const lookMs = 5000;

const maxNames = 3;

/** True where the server that the user named lists the model, or takes any; else why not. */
export async function servesModel(model: string, address: BackendAddress): Promise<Served> {
  if (namedBaseUrl(address) === null) return 'has no server named (--base-url, or OPENAI_BASE_URL)';
  const client = createClient(openaiPlace(address), 1);
  const answer = await askModels(client, AbortSignal.timeout(lookMs)).catch(() => null);
  await client.close();
  const { url } = client.place;
  if (answer === null || !('found' in answer)) return { away: `gets no list of models from ${url}` };
  if (answer.found === null || isListed(answer.found.models, model)) return true;
  const all = answer.found.models.map(({ name }) => name);
  const near = nearModel(model, all);
  const names = near === null ? all : [near, ...all.filter((name) => name !== near)];
  const listed = [...names.slice(0, maxNames), ...(names.length > maxNames ? ['...'] : [])].join(', ');
  return `does not have it at ${url} (there: ${listed || 'no model'})`;
}
