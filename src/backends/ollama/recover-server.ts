import type { EngineAbsence } from '../../core/backend.ts';
import type { Failure } from '../../core/completion.ts';
import { isNamed } from './find-model.ts';
import { loadModel } from './load-model.ts';
import type { LoadedModel } from './loaded-model.ts';
import type { Waiting } from '../server/wait-for-server.ts';
import { reachServer } from './reach-server.ts';

/**
 * After a failure that may be the server's own: waits until it answers, and loads the model again with the run's options,
 * before the requests do it all at once. A server that came back without the model was away; a crash of the runner alone is
 * counted against the requests in flight, since one of them may be what crashes it.
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
