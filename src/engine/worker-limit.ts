/**
 * How many of the lanes may work: lowered when memory runs short, and paused. Lanes from the limit on take no request;
 * what they have in flight they finish, and their histories stay.
 */
export interface WorkerLimit {
  /** May this lane (0-based) take a request now? */
  allows: (lane: number) => boolean;
  /** Workers while there is no pause. */
  workers: () => number;
  /** How often they were lowered. */
  lowerings: () => number;
  /** Halves the workers; false where there is only one left. */
  lower: () => boolean;
  pause: () => void;
  /** Ends a pause. */
  resume: () => void;
}

/** `onChange` is told how many may work now, 0 in a pause. */
export function createWorkerLimit(lanes: number, onChange: (workers: number) => void): WorkerLimit {
  let limit = lanes;
  let workers = lanes;
  let lowerings = 0;

  const setLimit = (next: number): void => {
    if (next === limit) return;
    limit = next;
    onChange(limit);
  };
  return {
    allows: (lane) => lane < limit,
    workers: () => workers,
    lowerings: () => lowerings,
    lower() {
      if (workers <= 1) return false;
      workers = Math.floor(workers / 2);
      lowerings++;
      if (limit > 0) setLimit(workers);
      return true;
    },
    pause: () => setLimit(0),
    resume: () => setLimit(workers),
  };
}
