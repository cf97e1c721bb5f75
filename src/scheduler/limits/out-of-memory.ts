import type { Failure } from '../../core/completion.ts';
import { EngineError } from '../../core/errors.ts';
import type { Notify } from '../../core/events.ts';
import { type BatchRequest, describeRequest } from '../../core/request.ts';
import type { WorkerLimit } from './worker-limit.ts';

/** Reacts to an engine that runs out of memory: fewer workers, more again when all goes well, or the end of the run. */
export interface OutOfMemory {
  /** Halves the workers: the engine ran out of memory with this request among others, for the first time. */
  lower: (request: BatchRequest, failure: Failure) => void;
  /**
   * It did with this request alone: the workers that were given up are taken back, for it may all have been its doing.
   * Throws an `EngineError` where nothing was ever answered, and too many requests failed so.
   */
  blame: (request: BatchRequest, failure: Failure) => void;
  onAnswer: () => void;
}

/** Answers after which a worker, or an eighth of them, comes back; doubled each time that this was too early. */
const answersToGrow = 64;
const maxAnswersToGrow = 4096;
const growth = 1 / 8;
/** Number of requests after which an engine that never answered is taken to have memory for none. */
const maxBlamed = 5;

export function createOutOfMemory(limit: WorkerLimit, notify: Notify): OutOfMemory {
  const state = { answers: 0, sinceChange: 0, toGrow: answersToGrow, grownFrom: null as number | null, blamed: 0 };

  /** Takes the last step up back where that was too much; else halves the workers. */
  const lower = (): void => {
    const { grownFrom } = state;
    if (grownFrom === null) limit.lower('out-of-memory');
    else limit.cap('out-of-memory', grownFrom);
    if (grownFrom !== null) state.toGrow = Math.min(maxAnswersToGrow, state.toGrow * 2);
    Object.assign(state, { sinceChange: 0, grownFrom: null });
  };
  const grow = (): void => {
    const workers = limit.workers();
    limit.cap('out-of-memory', workers + Math.max(1, Math.floor(workers * growth)));
    // Where that added no worker, all of them may send again.
    if (limit.workers() === workers) limit.cap('out-of-memory', Infinity);
    Object.assign(state, { sinceChange: 0, grownFrom: limit.workers() === workers ? null : workers });
  };

  return {
    lower(request, { message }) {
      const workers = limit.workers();
      if (workers <= 1) return;
      lower();
      const text = `the engine ran out of memory, first for ${describeRequest(request)}: ${limit.workers()} of ${workers} workers continue (${message})`;
      notify({ topic: 'out-of-memory', text });
    },
    blame(request, { message }) {
      const workers = limit.workers();
      limit.cap('out-of-memory', Infinity);
      Object.assign(state, { sinceChange: 0, grownFrom: null });
      const again = limit.workers() > workers ? `: ${limit.workers()} workers continue` : '';
      notify({
        topic: 'out-of-memory',
        text: `${describeRequest(request)} runs out of memory alone, and fails${again}`,
      });
      state.blamed++;
      if (state.answers > 0 || state.blamed < maxBlamed) return;
      throw new EngineError(
        'out-of-memory',
        `the engine ran out of memory for ${maxBlamed} requests one after the other, each alone in it, and answered none; the last was ${describeRequest(request)}: ${message}`,
        'Use a smaller context window, fewer slots of the server or a smaller quantisation of the model, then resume.',
      );
    },
    onAnswer() {
      state.answers++;
      if (limit.lowerings() > 0 && ++state.sinceChange >= state.toGrow) grow();
    },
  };
}
