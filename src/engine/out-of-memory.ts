import type { Failure } from '../core/completion.ts';
import { EngineError } from '../core/errors.ts';
import type { Emit } from '../core/events.ts';
import type { WorkerLimit } from './worker-limit.ts';

/** What follows from an engine that runs out of memory: fewer workers, then the end of the run. */
export interface OutOfMemory {
  /**
   * Does the failed attempt count against the retries? Not while there are workers to give up. `lowerings` is how often
   * they had been lowered when it was sent. Throws an `EngineError` when one worker is still too many.
   */
  counts: (failure: Failure, lowerings: number) => boolean;
  noteSuccess: () => void;
}

const mostInARow = 3;

export function createOutOfMemory(limit: WorkerLimit, emit: Emit): OutOfMemory {
  let inARow = 0;
  return {
    counts({ message }, lowerings) {
      // Of the burst that lowered the workers already.
      if (lowerings < limit.lowerings()) return false;
      const before = limit.workers();
      if (limit.lower()) {
        const text = `the engine ran out of memory: ${limit.workers()} of ${before} workers go on (${message})`;
        emit({ type: 'notice', text });
        return false;
      }
      inARow++;
      if (inARow < mostInARow) return true;
      throw new EngineError(
        'out-of-memory',
        `the engine ran out of memory ${mostInARow} times in a row with one worker: ${message}`,
        'Take a smaller context window, fewer slots of the server or a smaller quantisation of the model, then resume.',
      );
    },
    noteSuccess() {
      inARow = 0;
    },
  };
}
