import { EngineError, isTransient } from '../../core/errors.ts';
import { classifyError } from './classify-error.ts';
import { type LoadedModel, wireRequest } from './loaded-model.ts';
import { pause } from './pause.ts';

/** A server that is busy with loading answers 503 until it has done so; a crash while loading is no matter of time. */
const longestBusyMs = 600_000;
const mostCrashes = 2;
const firstWaitMs = 250;
const longestWaitMs = 5000;

/** Loads the model with the run's own options, so that no request does. Resolves with how long it took. */
export async function loadModel(
  loaded: Pick<LoadedModel, 'client' | 'name' | 'runner' | 'keepAlive' | 'facts'>,
  signal: AbortSignal,
): Promise<number> {
  const startedAt = performance.now();
  let crashes = 0;
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
    try {
      await load(loaded, signal);
      return performance.now() - startedAt;
    } catch (error) {
      signal.throwIfAborted();
      const { kind, message } = classifyError(error);
      if (kind !== 'overloaded') crashes++;
      const isHopeless = !isTransient(kind) || kind === 'out-of-memory' || crashes > mostCrashes;
      if (isHopeless || performance.now() - startedAt > longestBusyMs) {
        throw new EngineError(
          isTransient(kind) && kind !== 'out-of-memory' ? 'unusable' : kind,
          message,
          hintOf(kind, loaded),
        );
      }
      await pause(waitMs, signal);
    }
  }
}

/** A model that only embeds has no chat to load it by. */
async function load(
  loaded: Pick<LoadedModel, 'client' | 'name' | 'runner' | 'keepAlive' | 'facts'>,
  signal: AbortSignal,
): Promise<void> {
  const request = wireRequest(loaded);
  if (isEmbeddingModel(loaded)) await loaded.client.embed({ ...request, input: [] }, signal);
  else await loaded.client.load(request, signal);
}

export const isEmbeddingModel = ({ facts: { capabilities } }: Pick<LoadedModel, 'facts'>): boolean =>
  capabilities.includes('embedding') && !capabilities.includes('completion');

function hintOf(kind: string, { runner, name }: Pick<LoadedModel, 'runner' | 'name'>): string {
  if (kind === 'model-not-found') return `Fetch it with: ollama pull ${name}`;
  if (kind === 'out-of-memory') {
    return `Lower --option num_ctx= (now ${runner.num_ctx}) or OLLAMA_NUM_PARALLEL, or take a smaller quantisation of the model.`;
  }
  return "The server's log says more (journalctl -u ollama, or ~/.ollama/logs/server.log).";
}
