/**
 * How many of the lanes may work: as many as the server can hold, fewer when memory runs short, none in a pause. Lanes
 * from the limit on take no request; what they have in flight they finish, and their histories stay.
 */
export interface WorkerLimit {
  /** May this lane (0-based) take a request now? */
  allows: (lane: number) => boolean;
  /** Workers while there is no pause. */
  workers: () => number;
  /** How often memory lowered them. */
  lowerings: () => number;
  /** Halves the workers, which then are the most there will be; false where there is only one left. */
  lower: () => boolean;
  /** The server can hold so many. */
  set: (workers: number) => void;
  pause: () => void;
  /** Ends a pause. */
  resume: () => void;
}

/** `onChange` is told how many may work now, 0 in a pause. */
export function createWorkerLimit(start: number, onChange: (workers: number) => void): WorkerLimit {
  let limit = start;
  let wanted = start;
  let most = Infinity;
  let isPaused = false;
  let lowerings = 0;

  const workers = (): number => Math.min(wanted, most);
  const update = (): void => {
    const next = isPaused ? 0 : workers();
    if (next === limit) return;
    limit = next;
    onChange(limit);
  };
  return {
    allows: (lane) => lane < limit,
    workers,
    lowerings: () => lowerings,
    lower() {
      if (workers() <= 1) return false;
      most = Math.floor(workers() / 2);
      lowerings++;
      update();
      return true;
    },
    set(next) {
      wanted = next;
      update();
    },
    pause() {
      isPaused = true;
      update();
    },
    resume() {
      isPaused = false;
      update();
    },
  };
}
