import { raceAbort } from '../../../async/abort.ts';
import { type Deferred, createDeferred } from '../../../async/deferred.ts';

/** Those who wait for a place, the first to come first. */
export interface Places {
  /** Resolves when it is this one's turn to look for a place; rejects with the signal's reason. */
  wait: (signal: AbortSignal) => Promise<void>;
  /** A place is free. */
  wakeOne: () => void;
  /** Many may be. */
  wakeAll: () => void;
}

export function createPlaces(): Places {
  const waiting = new Set<Deferred<void>>();
  const wakeOne = (): void => {
    const [first] = waiting;
    if (first === undefined) return;
    waiting.delete(first);
    first.resolve();
  };
  return {
    async wait(signal) {
      const turn = createDeferred<void>();
      waiting.add(turn);
      try {
        await raceAbort(turn.promise, signal);
      } catch (error) {
        // The turn of one that does not want it any more is the next one's.
        if (!waiting.delete(turn)) wakeOne();
        throw error;
      }
    },
    wakeOne,
    wakeAll() {
      for (const turn of waiting) turn.resolve();
      waiting.clear();
    },
  };
}
