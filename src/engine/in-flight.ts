/** Why an attempt was ended from outside. */
export type AbortCause = 'stopped' | 'timeout' | 'stalled';

/** One attempt under way. */
export interface FlightEntry {
  /** Made when the backend asks for the signal: one that never does costs nothing. */
  controller: AbortController | null;
  /** Set when the attempt is aborted. */
  cause: AbortCause | null;
  /** First sign of life, epoch ms: the time in a server's queue is not the request's fault. */
  activeSince: number | null;
}

export interface InFlightOptions {
  /** Longest time of an attempt from its first sign of life; null: none. */
  timeoutMs: number | null;
  /** Longest silence on all attempts together. */
  stallTimeoutMs: number;
  /** The engine has a reason to be silent. */
  mayBeSilent: () => boolean;
  onStall: (silentMs: number) => void;
}

/** All attempts under way, watched by one timer: a timer and a signal for each would cost more than a fast request. */
export interface InFlight {
  start: () => FlightEntry;
  end: (entry: FlightEntry) => void;
  signalOf: (entry: FlightEntry) => AbortSignal;
  /** Something came from the engine for this attempt. */
  touch: (entry: FlightEntry) => void;
  abortAll: (cause: AbortCause) => void;
  count: () => number;
  close: () => void;
}

const sweepMs = 100;

export function createInFlight({ timeoutMs, stallTimeoutMs, mayBeSilent, onStall }: InFlightOptions): InFlight {
  const entries = new Set<FlightEntry>();
  let lastActivity = Date.now();

  const abort = (entry: FlightEntry, cause: AbortCause): void => {
    entry.cause ??= cause;
    entry.controller?.abort(new Error(cause));
  };
  const abortAll = (cause: AbortCause): void => {
    for (const entry of entries) abort(entry, cause);
  };
  const sweep = (): void => {
    const now = Date.now();
    if (entries.size === 0) return;
    for (const entry of entries) {
      if (timeoutMs !== null && entry.activeSince !== null && now - entry.activeSince > timeoutMs)
        abort(entry, 'timeout');
    }
    if (mayBeSilent()) lastActivity = now;
    if (now - lastActivity <= stallTimeoutMs) return;
    abortAll('stalled');
    onStall(now - lastActivity);
    lastActivity = now;
  };
  // Keeps the process alive: an engine that hangs may hold nothing open.
  const timer = setInterval(sweep, sweepMs);

  return {
    start() {
      // An idle engine is not a silent one: the silence counts from the first request after it.
      if (entries.size === 0) lastActivity = Date.now();
      const entry: FlightEntry = { controller: null, cause: null, activeSince: null };
      entries.add(entry);
      return entry;
    },
    end(entry) {
      entries.delete(entry);
      lastActivity = Date.now();
    },
    signalOf(entry) {
      entry.controller ??= new AbortController();
      if (entry.cause !== null) entry.controller.abort(new Error(entry.cause));
      return entry.controller.signal;
    },
    touch(entry) {
      lastActivity = Date.now();
      entry.activeSince ??= lastActivity;
    },
    abortAll,
    count: () => entries.size,
    close: () => clearInterval(timer),
  };
}
