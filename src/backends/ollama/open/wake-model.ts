import { DeadlineError, withDeadline } from '../../../async/abort.ts';
import { loadModel, isEmbeddingModel } from '../model/load-model.ts';
import { type LoadedModel, wireRequest } from '../model/loaded-model.ts';
import { readStream } from '../answer/read-stream.ts';
import { freeModel } from '../model/restart-model.ts';

/** Longer than a busy server lets the shortest of requests wait. */
const answerMs = 60_000;

/**
 * Asks a loaded model for one token. A server that lost its slots, to a client that was killed for one, takes requests and
 * answers none: then the model is loaded again.
 */
export async function wakeModel(
  loaded: LoadedModel,
  { signal, onNotice, maxMs = answerMs }: { signal: AbortSignal; onNotice: (text: string) => void; maxMs?: number },
): Promise<void> {
  if (isEmbeddingModel(loaded)) return;
  const request = {
    ...wireRequest(loaded, { num_predict: 1 }),
    messages: [{ role: 'user', content: 'Hi' }],
    think: false,
  };
  try {
    await withDeadline(signal, maxMs, async (within) => {
      const parts = await loaded.client.chat(request, within);
      await readStream(parts, { onActivity: () => {}, onFirstToken: () => {} });
    });
  } catch (error) {
    signal.throwIfAborted();
    // Any other failure is for the requests to tell.
    if (!(error instanceof DeadlineError)) return;
    onNotice('ollama: the server has the model loaded, and answers nothing: it is loaded again');
    await freeModel(loaded, signal);
    await loadModel(loaded, signal, onNotice);
  }
}
