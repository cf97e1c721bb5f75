import { type Failure, failure } from '../../../core/completion.ts';
import { EngineError, type ErrorKind, isTransient } from '../../../core/errors.ts';
import { formatSeconds } from '../../../text/format.ts';
import { classifyError } from '../http/classify-error.ts';
import { type LoadedModel, wireRequest } from './loaded-model.ts';
import { DeadlineError, withDeadline } from '../../../async/abort.ts';
import { sleep } from '../../../async/sleep.ts';

/** A server that is busy with loading answers 503 until it has done so; a crash while loading is no matter of time. */
const maxBusyMs = 600_000;
const maxCrashes = 2;
/** Large models on slow disks need minutes; one that another request holds needs for ever. */
const maxLoadMs = 600_000;
const slowLoadMs = 30_000;
const firstWaitMs = 250;
const maxWaitMs = 5000;

/** Loads the model with the run's own options, so that no request does. Resolves with how long it took. */
export async function loadModel(
  loaded: Pick<LoadedModel, 'client' | 'name' | 'runner' | 'keepAlive' | 'facts'>,
  signal: AbortSignal,
  onNotice: (text: string) => void = () => {},
): Promise<number> {
  const startedAt = performance.now();
  const slow = setTimeout(() => onNotice(slowText), slowLoadMs);
  try {
    return await tryToLoad(loaded, signal, startedAt);
  } finally {
    clearTimeout(slow);
  }
}

const slowText =
  'ollama: the model is not loaded after 30 s; if it never loads, an abandoned request may keep the previous model loaded: restart the server';

async function tryToLoad(
  loaded: Pick<LoadedModel, 'client' | 'name' | 'runner' | 'keepAlive' | 'facts'>,
  signal: AbortSignal,
  startedAt: number,
): Promise<number> {
  let crashes = 0;
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 2, maxWaitMs)) {
    const failed = await loadOnce(loaded, signal);
    if (failed === null) return performance.now() - startedAt;
    if (failed.kind !== 'overloaded') crashes++;
    const isLong = performance.now() - startedAt > maxBusyMs;
    if (isLong || crashes > maxCrashes || isHopeless(failed.kind)) throw notLoaded(failed, loaded);
    await sleep(waitMs, signal);
  }
}

/** Loads the model once; resolves to null when it is loaded, else to the failure. */
async function loadOnce(
  loaded: Pick<LoadedModel, 'client' | 'name' | 'runner' | 'keepAlive' | 'facts'>,
  signal: AbortSignal,
): Promise<Failure | null> {
  try {
    await withDeadline(signal, maxLoadMs, (within) => load(loaded, within));
    return null;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DeadlineError)
      return failure('unusable', `The server did not load it within ${formatSeconds(maxLoadMs / 1000)}.`);
    return classifyError(error);
  }
}

const isHopeless = (kind: ErrorKind): boolean => !isTransient(kind) || kind === 'out-of-memory';

function notLoaded({ kind, message }: Failure, loaded: Pick<LoadedModel, 'runner' | 'name'>): EngineError {
  return new EngineError(isHopeless(kind) ? kind : 'unusable', message, hintOf(kind, loaded));
}

/** Loads a model, or frees it where `keepAlive` is 0. One that only embeds has no chat to do it by. */
export async function load(
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
    return `Lower --option num_ctx= (now ${runner.num_ctx}) or OLLAMA_NUM_PARALLEL, or use a smaller quantisation of the model.`;
  }
  return "See the server's log (journalctl -u ollama, or ~/.ollama/logs/server.log).";
}
