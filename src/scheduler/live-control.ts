/** A pause of a run: who or what asked for it, and when; one that ends by itself has the time of that. Times are ISO 8601. */
export interface RunPause {
  by: string;
  since: string;
  until: string | null;
}

/** What a user changes while a run goes on. */
export interface LiveControl {
  /** Null: the run takes requests. */
  paused: () => RunPause | null;
  /** Requests that each engine may have in flight; null: as many as the run chose. */
  workers: () => number | null;
  /** Calls the listener at each change; returns what ends that. */
  subscribe: (listener: () => void) => () => void;
}
