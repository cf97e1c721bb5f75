/** Why there are fewer workers: the engine ran out of memory, or the GPU's memory is at its limit. */
type LimitCause = 'out-of-memory' | 'vram';

/**
 * The number of workers that may send: as many as the server can hold, fewer when memory runs short, none in a pause.
 * Workers from the limit on take no request; what they have in flight they finish, and their histories stay.
 */
export interface WorkerLimit {
  /** May this worker (0-based) take a request now? */
  allows: (worker: number) => boolean;
  /** Number of workers that may send while there is no pause. */
  workers: () => number;
  /** Number of times that a lack of memory lowered the limit. */
  lowerings: () => number;
  /** Halves the workers, for as long as this cause stands; false where there is only one left. */
  lower: (cause: LimitCause) => boolean;
  /** Sets the largest number that this cause allows from now on; Infinity: it sets no limit any more. */
  cap: (cause: LimitCause, workers: number) => void;
  /** Sets the number of workers that the server can hold. */
  set: (workers: number) => void;
  /** Sets the number of workers that the user wants, in place of what the server can hold; null: as before. */
  fix: (workers: number | null) => void;
  /** Lets no worker send until `resume`. */
  pause: () => void;
  /** Ends a pause. */
  resume: () => void;
}

/** `onChange` is told how many may work now, 0 in a pause. */
export function createWorkerLimit(start: number, onChange: (workers: number) => void): WorkerLimit {
  const caps = { 'out-of-memory': Infinity, vram: Infinity };
  const state = { limit: start, wanted: start, fixed: null as number | null, isPaused: false, lowerings: 0 };

  const workers = (): number => Math.min(state.fixed ?? state.wanted, caps['out-of-memory'], caps.vram);
  const update = (): void => {
    const next = state.isPaused ? 0 : workers();
    if (next === state.limit) return;
    state.limit = next;
    onChange(next);
  };
  const cap: WorkerLimit['cap'] = (cause, max) => {
    const before = workers();
    caps[cause] = max;
    if (workers() < before) state.lowerings++;
    update();
  };
  return {
    allows: (worker) => worker < state.limit,
    workers,
    lowerings: () => state.lowerings,
    lower(cause) {
      if (workers() <= 1) return false;
      cap(cause, Math.floor(workers() / 2));
      return true;
    },
    cap,
    set(next) {
      state.wanted = next;
      update();
    },
    fix(next) {
      state.fixed = next;
      update();
    },
    pause() {
      state.isPaused = true;
      update();
    },
    resume() {
      state.isPaused = false;
      update();
    },
  };
}
