import type { OpenRequest } from '../../../core/backend.ts';
import { formatDuration, formatInteger } from '../../../text/format.ts';
import { isNamed } from './find-model.ts';
import type { LoadedModel } from './loaded-model.ts';
import { sleep } from '../../../async/sleep.ts';

/** Notices that the server loads the model again between requests, which no run of ours asks it to. */
export interface ReloadWatch {
  /** The load time of an answered request. */
  note: (loadMs: number) => void;
  /** The engine crashed, or was away: the next load is its own. */
  excuse: () => void;
}

/** A warm model takes a millisecond. Below this, what is seen may be a busy machine. */
const minLoadMs = 200;
/** The other client's next request shows its options in `/api/ps`. */
const looks = 20;
const lookEveryMs = 250;

export function createReloadWatch(
  { client, name, runner }: Pick<LoadedModel, 'client' | 'name' | 'runner'>,
  { onNotice, onReload, signal }: Pick<OpenRequest, 'onNotice' | 'onReload' | 'signal'>,
): ReloadWatch {
  const state = { isExcused: false, isLooking: false, isTold: false, unexplained: 0, countedAt: 0 };

  /** The context window that another client's options have; null where none was seen. */
  const findOther = async (): Promise<number | null> => {
    for (let look = 0; look < looks && !signal.aborted; look++) {
      const models = await client.ps(signal);
      const window = models.find((model) => isNamed(model, name))?.context_length;
      if (window !== undefined && window !== runner.num_ctx) return window;
      await sleep(lookEveryMs, signal);
    }
    return null;
  };

  /** Requests that waited for the same load all report it: it is one. */
  const count = (loadMs: number): void => {
    const now = performance.now();
    if (now - loadMs < state.countedAt) return;
    state.countedAt = now;
    onReload?.();
  };

  const explain = async (loadMs: number): Promise<void> => {
    const window = await findOther().catch(() => null);
    state.isLooking = false;
    state.unexplained++;
    // A single reload may have any cause, such as memory that another model took.
    if (window === null && state.unexplained < 2) return;
    state.isTold = true;
    const cause =
      window === null
        ? 'another client may use it with other options, or another model pushes it out'
        : `another client uses it with a context window of ${formatInteger(window)} tokens, this run with ${formatInteger(runner.num_ctx)}`;
    onNotice(
      `warning: the server loaded the model again in the middle of the run (${formatDuration(loadMs)}): ${cause}. Stop that client, or start a server of its own for one of the two (OLLAMA_HOST=127.0.0.1:11435 ollama serve)`,
    );
  };

  return {
    note(loadMs) {
      if (loadMs < minLoadMs) state.isExcused = false;
      else if (!state.isExcused) {
        count(loadMs);
        if (state.isTold || state.isLooking) return;
        state.isLooking = true;
        void explain(loadMs);
      }
    },
    excuse() {
      state.isExcused = true;
    },
  };
}
