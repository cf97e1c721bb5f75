import { type Failure, failure } from '../../core/completion.ts';
import { classifyResponse, classifyThrown } from './classify-error.ts';
import type { OpenaiClient } from './client.ts';
import { type ModelList, readModelList } from './list-models.ts';

/** The models of a server; `list` is null where it has no such page, as some proxies. Throws only when the signal aborts. */
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
    return found === null ? failure('unusable', `What answers at ${url}/models is no list of models.`) : { found };
  } catch (error) {
    signal.throwIfAborted();
    return classifyThrown(error);
  }
}
