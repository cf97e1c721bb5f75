import type { Failure } from '../../../core/completion.ts';
import { EngineError } from '../../../core/errors.ts';
import { type ServerAnswer, type Waiting, askOnce, waitForServer } from '../../http/wait-for-server.ts';
import { classifyError } from '../http/classify-error.ts';
import type { OllamaClient } from '../http/client.ts';
import type { EngineAbsence } from '../../../core/backend.ts';
import { isNamed } from '../model/find-model.ts';
import { loadModel } from '../model/load-model.ts';
import type { LoadedModel } from '../model/loaded-model.ts';

/**
 * Asks a server for its version until it answers. Throws an `EngineError` when it does not answer, or is no Ollama
 * server.
 */
export function reachServer(client: OllamaClient, waiting: Waiting): Promise<ServerAnswer<string>> {
  const { url } = client.host;
  const startHint = 'Start it with: ollama serve.';
  return waitForServer(
    {
      name: 'Ollama server',
      url,
      startHint,
      whereHint,
      ask: (signal) => askVersion(client, signal),
    },
    waiting,
  );
}

/** The version of a server that is there. Throws what says that it is no Ollama server. */
async function askVersion(client: OllamaClient, signal: AbortSignal): Promise<{ found: string } | Failure> {
  try {
    return { found: await client.version(signal) };
  } catch (error) {
    signal.throwIfAborted();
    const failed = classifyError(error);
    if (failed.kind === 'invalid-response') throw notOllama(client.host.url);
    return failed;
  }
}

/** Asks whether the server takes requests; it does not tell what it works on. */
export async function lookAtServer(client: OllamaClient, signal: AbortSignal): Promise<'busy' | Failure> {
  const answer = await askOnce({ ask: (within) => askVersion(client, within) }, signal);
  return 'found' in answer ? 'busy' : answer;
}

const whereHint = 'Another place is named with --host or OLLAMA_HOST.';

const notOllama = (url: string): EngineError =>
  new EngineError('unusable', `what answers at ${url} is no Ollama server`, whereHint);

/**
 * Recovers after a failure that may be the server's own: waits until it answers, and loads the model again with the
 * run's options, before the requests do it all at once. A server that came back without the model was away; a crash of
 * the runner alone is counted against the requests in flight, since one of them may be what crashes it.
 */
export async function recoverServer(loaded: LoadedModel, failure: Failure, waiting: Waiting): Promise<EngineAbsence> {
  const { client, name } = loaded;
  const { awayMs, wasGone } = await reachServer(client, waiting);
  const models = await client.ps(waiting.signal).catch(() => []);
  const isLoaded = models.some((model) => isNamed(model, name));
  await loadModel(loaded, waiting.signal);
  if (wasGone) return 'gone';
  return failure.kind !== 'engine-crashed' && (awayMs !== null || !isLoaded) ? 'away' : 'here';
}
