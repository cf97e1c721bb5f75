import { raceAbort } from '../async/abort.ts';
import type { Backend } from '../core/backend.ts';
import type { Failure } from '../core/completion.ts';
import type { ErrorKind } from '../core/errors.ts';
import type { Emit, Notify, ServerState } from '../core/events.ts';
import { formatDuration } from '../text/format.ts';

/**
 * Failures that may be the engine's own trouble: no way to it, no room in it (a server that loads its model says that
 * too), its process dead. A timeout or an error of the server's is the request's until the stall watchdog says more.
 */
const kindsOfAbsence: ReadonlySet<ErrorKind> = new Set<ErrorKind>(['connection', 'overloaded', 'engine-crashed']);

/**
 * State of the engine when a request failed: `away`, so that the request is not to blame; `here`, so that it may be; or
 * the run was stopped before that was known.
 */
export type EngineState = 'away' | 'here' | 'stopped';

/** Waits out the times when the engine is away: once for all workers, of which none takes a request meanwhile. */
export interface Outages {
  isOn: () => boolean;
  /** May a failure of this kind mean that the engine is away? */
  mayBeAway: (failure: Failure) => boolean;
  /** Number of outages that are over. */
  ended: () => number;
  /**
   * Was the engine to blame for the failure of a request that was sent after `ended` outages? Resolves when the engine
   * takes requests again; rejects with an `EngineError` when waiting is hopeless.
   */
  settle: (failure: Failure, ended: number) => Promise<EngineState>;
  /** Notes that the engine is there and has nothing of what is in flight: it was away unnoticed. */
  noteLoss: () => void;
  /** Ends all waiting, because the run stops. */
  stop: () => void;
}

/** Tells what state the engine is in, with the reason. */
export type TellState = (state: ServerState, reason?: string) => void;

export interface OutageListeners {
  emit: Emit;
  notify: Notify;
  /** Told when the engine has been away for a while, with the reason, and whenever it is there again. */
  onState: TellState;
  onEnd: () => void;
  /** Called with a time in milliseconds: requests in flight that gave no sign of life for as long are lost. */
  onLoss: (silentMs: number) => void;
}

/** Shortest outage in milliseconds that is announced: a shorter one is over before it is noticed. */
const silentMs = 1000;

const awayText = (reason = ''): string => `the engine does not answer (${reason}): waiting until it does`;

const mayBeAway = ({ supervision }: Backend, { kind }: Failure): boolean =>
  supervision?.recover !== undefined && kindsOfAbsence.has(kind);

export function createOutages(backend: Backend, { emit, notify, onState, onEnd, onLoss }: OutageListeners): Outages {
  const stopping = new AbortController();
  let current: Promise<EngineState> | null = null;
  let ended = 0;

  const noteEnd = (text: string, lostMs: number | null): void => {
    ended++;
    emit({ type: 'engine-outage' });
    notify({ topic: 'outage', text: `${text}: what was in flight is sent again` });
    if (lostMs !== null) onLoss(lostMs);
  };
  const waitOut = async (failure: Failure): Promise<EngineState> => {
    const startedAt = performance.now();
    // The lines below the first sentence may be the engine's last output.
    const [sentence] = failure.message.split('\n', 1);
    const timer = setTimeout(() => {
      onState('away', sentence);
      notify({ topic: 'outage', text: awayText(sentence) });
    }, silentMs);
    try {
      // An engine that hangs may not react to the signal, so that it is not waited for.
      const recovery = Promise.resolve(backend.supervision?.recover?.(failure, stopping.signal));
      const absence = await raceAbort(recovery, stopping.signal);
      stopping.signal.throwIfAborted();
      if (absence === undefined || absence === 'here') return 'here';
      const durationMs = performance.now() - startedAt;
      noteEnd(`the engine is back after ${formatDuration(durationMs)}`, absence === 'gone' ? durationMs : null);
      return 'away';
    } catch (error) {
      if (stopping.signal.aborted) return 'stopped';
      throw error;
    } finally {
      clearTimeout(timer);
      current = null;
      onState('up');
      onEnd();
    }
  };

  return {
    isOn: () => current !== null,
    mayBeAway: (failure) => mayBeAway(backend, failure),
    ended: () => ended,
    async settle(failure, endedBefore) {
      if (!mayBeAway(backend, failure)) return 'here';
      if (stopping.signal.aborted) return 'stopped';
      // The outage that it fell into is over already.
      if (endedBefore < ended) return 'away';
      current ??= waitOut(failure);
      return current;
    },
    noteLoss: () => noteEnd('the engine works on nothing, and must have been started anew', 0),
    stop: () => stopping.abort(),
  };
}
