import { raceAbort } from '../../../async/abort.ts';
import { load, loadModel } from './load-model.ts';
import type { LoadedModel } from './loaded-model.ts';

/** Loads the model anew when the server does not answer any more. */
export interface ModelRestart {
  /** Restarts the model. Calls made meanwhile wait for the same restart; it ends silently when the run stops. */
  restart: () => Promise<void>;
  /** Resolves when no restart is under way. Rejects with the reason of the signal. */
  ready: (signal: AbortSignal) => Promise<void>;
}

const unloadMs = 10_000;

/**
 * A server may lose the slot of a stream whose client goes away: its handler waits for ever to hand on the next token
 * (seen in 0.33). When all slots are lost, requests only wait; what frees them is another load of the model.
 */
export function createModelRestart(loaded: LoadedModel, stop: AbortSignal): ModelRestart {
  let current: Promise<void> | null = null;
  const reload = async (): Promise<void> => {
    await freeModel(loaded, stop);
    stop.throwIfAborted();
    await loadModel(loaded, stop);
  };
  return {
    restart() {
      current ??= reload()
        .catch((error: unknown) => {
          if (!stop.aborted) throw error;
        })
        .finally(() => {
          current = null;
        });
      return current;
    },
    async ready(signal) {
      if (current === null) return;
      // The next request finds out whether it succeeded.
      await raceAbort(
        current.catch(() => undefined),
        signal,
      );
    },
  };
}

/** Frees the model at once, regardless of `keep_alive`. A server that is gone has freed it already. */
export async function freeModel(loaded: LoadedModel, stop: AbortSignal): Promise<void> {
  const within = AbortSignal.any([stop, AbortSignal.timeout(unloadMs)]);
  await load({ ...loaded, keepAlive: 0 }, within).catch(() => undefined);
}
