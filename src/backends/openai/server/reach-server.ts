import { type Failure, failure } from '../../../core/completion.ts';
import { type ServerAnswer, type Waiting, waitForServer } from '../../http/wait-for-server.ts';
import { askModels, type ModelList } from './served-models.ts';
import type { OpenaiClient } from '../http/client.ts';

/** Asks a server for its models until it answers. Throws an `EngineError` when it does not, or can't be used. */
export function reachServer(client: OpenaiClient, waiting: Waiting): Promise<ServerAnswer<ModelList | null>> {
  return waitForServer(
    {
      name: 'OpenAI-compatible server',
      url: client.place.url,
      startHint: 'Start it, for instance with: vllm serve MODEL, or llama-server -m MODEL.gguf.',
      whereHint: 'Another place is named with --base-url or OPENAI_BASE_URL.',
      ask: (signal) => askServer(client, signal),
    },
    waiting,
  );
}

/** The models of a server that takes requests now. Throws only when the signal aborts. */
export async function askServer(
  client: OpenaiClient,
  signal: AbortSignal,
): Promise<{ found: ModelList | null } | Failure> {
  const answer = await askModels(client, signal);
  // A server whose engine died, or loads its model, may list it all the same. What it had before it does not have any more.
  const isSick = 'found' in answer && (await statusOf(client, `${client.place.root}/health`, signal)) >= 500;
  return isSick ? failure('connection', 'It reports that it is not ready (/health).') : answer;
}

async function statusOf(client: OpenaiClient, url: string, signal: AbortSignal): Promise<number> {
  const response = await client.get(url, signal).catch(() => null);
  signal.throwIfAborted();
  return response?.status ?? 0;
}
