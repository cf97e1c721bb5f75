import type { Backend } from '../core/backend.ts';
import type { Failure } from '../core/completion.ts';
import type { ErrorKind } from '../core/errors.ts';
import type { Emit } from '../core/events.ts';
import { formatDuration } from '../core/format.ts';

/**
 * Failures that may be the engine's own trouble: no way to it, no room in it (a server that loads its model says that
 * too), its process dead. A timeout or an error of the server's is the request's until the stall watchdog says more.
 */
const mayBeAway: ReadonlySet<ErrorKind> = new Set<ErrorKind>(['connection', 'overloaded', 'engine-crashed']);

/** away: the request is not to blame · here: it may be · stopped: the run was stopped meanwhile */
export type EngineState = 'away' | 'here' | 'stopped';

/** Waits out the times when the engine is away: once for all lanes, of which none takes a request meanwhile. */
export interface Outages {
  isOn: () => boolean;
  /** How many there were and are over. */
  ended: () => number;
  /**
   * Was the engine to blame for the failure of a request that was sent after `ended` outages? Resolves when the engine
   * takes requests again; rejects with an `EngineError` when waiting is hopeless.
   */
  settle: (failure: Failure, ended: number) => Promise<EngineState>;
  /** The run stops: nobody waits any longer. */
  stop: () => void;
}

/** A shorter one is over before anybody wonders. */
const silentMs = 1000;

export function createOutages(backend: Backend, { emit, onEnd }: { emit: Emit; onEnd: () => void }): Outages {
  const stopping = new AbortController();
  let current: Promise<EngineState> | null = null;
  let ended = 0;

  const waitOut = async (failure: Failure): Promise<EngineState> => {
    const startedAt = performance.now();
    // What an engine printed last may stand below the sentence.
    const [sentence] = failure.message.split('\n', 1);
    const text = `the engine does not answer (${sentence}): waiting until it does`;
    const timer = setTimeout(() => emit({ type: 'notice', text }), silentMs);
    try {
      const wasAway = await backend.recover?.(failure, stopping.signal);
      if (wasAway !== true) return 'here';
      ended++;
      emit({ type: 'engine-outage' });
      const duration = formatDuration(performance.now() - startedAt);
      emit({ type: 'notice', text: `the engine is back after ${duration}: what was in flight is sent again` });
      return 'away';
    } catch (error) {
      if (stopping.signal.aborted) return 'stopped';
      throw error;
    } finally {
      clearTimeout(timer);
      current = null;
      onEnd();
    }
  };

  return {
    isOn: () => current !== null,
    ended: () => ended,
    async settle(failure, endedBefore) {
      if (backend.recover === undefined || !mayBeAway.has(failure.kind)) return 'here';
      if (stopping.signal.aborted) return 'stopped';
      // The outage that it fell into is over already.
      if (endedBefore < ended) return 'away';
      current ??= waitOut(failure);
      return current;
    },
    stop: () => stopping.abort(),
  };
}
