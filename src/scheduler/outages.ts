import { raceAbort } from '../async/abort.ts';
import { createDeferred } from '../async/deferred.ts';
import type { Backend, EngineAbsence } from '../core/backend.ts';
import type { Failure } from '../core/completion.ts';
import type { ErrorKind } from '../core/errors.ts';
import type { Emit, Notify, ServerState } from '../core/events.ts';
import { formatDuration } from '../text/format.ts';

/**
 * Failures that may be the engine's own trouble: no way to it, no room in it (a server that loads its model says that
 * too), its process dead. A timeout or an error of the server's is the request's until the stall watchdog says more.
 */
export const kindsOfAbsence: ReadonlySet<ErrorKind> = new Set<ErrorKind>([
  'connection',
  'overloaded',
  'engine-crashed',
]);

/**
 * State of the engine when a request failed: `away`, so that the request is not to blame; `here`, so that it may be; or
 * the run was stopped before that was known.
 */
export type EngineState = 'away' | 'here' | 'stopped';

/** Waits out the times when the engine is away: once for all workers, of which none takes a request meanwhile. */
export interface Outages {
  isOn: () => boolean;
  /** Number of outages that are over. */
  ended: () => number;
  /**
   * Was the engine to blame for the failure of a request that was sent after `ended` outages? Resolves when the engine
   * takes requests again; rejects with an `EngineError` when waiting is hopeless.
   */
  settle: (failure: Failure, ended: number) => Promise<EngineState>;
  /**
   * As `settle`, but does not wait for the end: an engine that is not there at once, nor within a second, is away. For a request
   * that others can take. Does not reject: see `onHopeless`.
   */
  confirm: (failure: Failure, ended: number) => Promise<EngineState>;
  /** Notes that the engine is there and has nothing of what is in flight: it was away unnoticed. */
  noteLoss: () => void;
  /** Ends all waiting, because the run stops. */
  stop: () => void;
}

/** Tells what state the engine is in, with the reason, and for how many milliseconds it has been so already. */
export type TellState = (state: ServerState, reason?: string, forMs?: number) => void;

export interface OutageListeners {
  emit: Emit;
  notify: Notify;
  /** The run has other engines too. */
  hasOthers?: boolean;
  /** Told when the engine has been away for a while, with the reason, and whenever it is there again. */
  onState: TellState;
  onEnd: () => void;
  /** Called when waiting is hopeless, before anybody else hears of it; absent where whoever settles sees to it. */
  onHopeless?: ((error: Error) => void) | undefined;
  /** Called with a time in milliseconds: requests in flight that gave no sign of life for as long are lost. */
  onLoss: (silentMs: number) => void;
}

/** Shortest outage in milliseconds that is announced: a shorter one is over before it is noticed. */
const silentMs = 1000;

const awayText = (reason = '', hasOthers = false): string =>
  hasOthers
    ? `it does not answer (${reason}): its requests go to the others, and it is taken back when it does`
    : `the engine does not answer (${reason}): waiting until it does`;

const mayBeAway = ({ supervision }: Backend, { kind }: Failure): boolean =>
  supervision?.recover !== undefined && kindsOfAbsence.has(kind);

/** A question to the engine whether it is there, which lasts as long as it is away. */
interface Question {
  settled: Promise<EngineState>;
  confirmed: Promise<EngineState>;
}

export function createOutages(backend: Backend, listeners: OutageListeners): Outages {
  const { onState, onEnd, onHopeless } = listeners;
  const stopping = new AbortController();
  const ends = createEnds(listeners);
  let current: Question | null = null;

  const waitOut = async (asked: Promise<Absent>): Promise<EngineState> => {
    let state: EngineState = 'stopped';
    try {
      state = ends.noteAbsence(await asked);
    } catch (error) {
      if (!stopping.signal.aborted) {
        // Nobody is told that it is there, or workers would send to it.
        current = null;
        onHopeless?.(error as Error);
        throw error;
      }
    }
    current = null;
    // Where the run ended meanwhile it is as it was.
    if (state !== 'stopped') onState('up');
    onEnd();
    return state;
  };
  const ask = (failure: Failure): Question => {
    const confirmed = createDeferred<EngineState>();
    const onLasting = tellAbsence(failure, listeners, () => confirmed.resolve('away'));
    const settled = waitOut(askEngine(backend, failure, { signal: stopping.signal, onLasting }));
    settled.then(confirmed.resolve, () => confirmed.resolve('away'));
    return { settled, confirmed: confirmed.promise };
  };
  /** What is known already; else what the engine is asked. */
  const stateOf = (failure: Failure, endedBefore: number): EngineState | Question => {
    if (!mayBeAway(backend, failure)) return 'here';
    if (stopping.signal.aborted) return 'stopped';
    // The outage that it fell into is over already.
    if (endedBefore < ends.count()) return 'away';
    return (current ??= ask(failure));
  };
  return {
    isOn: () => current !== null,
    ended: ends.count,
    async settle(...failed) {
      const state = stateOf(...failed);
      return typeof state === 'string' ? state : state.settled;
    },
    async confirm(...failed) {
      const state = stateOf(...failed);
      return typeof state === 'string' ? state : state.confirmed;
    },
    noteLoss: () => ends.note('the engine works on nothing, so it must have been restarted', 0),
    stop: () => stopping.abort(),
  };
}

/** Returns what tells the user that the engine is away. */
function tellAbsence(
  { message }: Failure,
  { onState, notify, hasOthers }: OutageListeners,
  onTold: () => void,
): () => void {
  // The lines below the first sentence may be the engine's last output.
  const [sentence] = message.split('\n', 1);
  return () => {
    onState('away', sentence, silentMs);
    notify({ topic: 'outage', text: awayText(sentence, hasOthers) });
    onTold();
  };
}

/** Counts the outages that are over, and tells of them. */
function createEnds({ emit, notify, hasOthers = false, onLoss }: OutageListeners) {
  let count = 0;
  /** `lostMs`: what was in flight and gave no sign of life for as long is lost; null: nothing is. */
  const note = (text: string, lostMs: number | null): void => {
    count++;
    emit({ type: 'engine-outage' });
    const lost = lostMs === null ? 'failed meanwhile' : 'was in flight';
    notify({
      topic: 'outage',
      text: hasOthers ? `${text}, and takes requests` : `${text}: what ${lost} is sent again`,
    });
    if (lostMs !== null) onLoss(lostMs);
  };
  const noteAbsence = ({ absence, since }: Absent): EngineState => {
    const durationMs = performance.now() - since;
    if (absence === 'here') {
      // What was told is taken back.
      if (durationMs >= silentMs) notify({ topic: 'outage', text: 'the engine answers: it was only slow' });
      return 'here';
    }
    if (absence === 'partly') {
      count++;
      notify({ topic: 'outage', text: 'the other engines continue, and the lost requests are sent again' });
      return 'away';
    }
    note(
      `${hasOthers ? 'it' : 'the engine'} is back after ${formatDuration(durationMs)}`,
      absence === 'gone' ? durationMs : null,
    );
    return 'away';
  };
  return { count: () => count, note, noteAbsence };
}

interface Absent {
  absence: EngineAbsence;
  /** When it was asked, by a clock of milliseconds that never goes back. */
  since: number;
}

/** Waits until the engine takes requests, and says where it was. `onLasting` is called where that takes longer than a moment. */
async function askEngine(
  backend: Backend,
  failure: Failure,
  { signal, onLasting }: { signal: AbortSignal; onLasting: () => void },
): Promise<Absent> {
  const since = performance.now();
  const timer = setTimeout(onLasting, silentMs);
  try {
    // An engine that hangs may not react to the signal, so that it is not waited for.
    const recovery = Promise.resolve(backend.supervision?.recover?.(failure, signal));
    const absence = (await raceAbort(recovery, signal)) ?? 'here';
    signal.throwIfAborted();
    return { absence, since };
  } finally {
    clearTimeout(timer);
  }
}
