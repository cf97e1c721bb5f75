import { createNotifier } from '../../async/notifier.ts';
import { type Answer, failure } from '../../core/completion.ts';

/**
 * Finds the request that brings an engine down. After the second death without an answer between them, as many requests
 * as were in flight go one at a time; one that was alone in two deaths is failed for good. Else every request that is
 * ever beside it would fail with it. A single death may have come from outside.
 *
 * The scheduler searches too, in `find-culprit.ts`, for engines that are servers, of which it sees only failed
 * connections. For a worker process of our own its death, and the requests that were in it, are seen here for certain.
 */
export interface Quarantine {
  /** Asks the request with this id, alone where one is looked for. */
  pass: (id: string, ask: () => Promise<Answer>, signal: AbortSignal) => Promise<Answer>;
  /** The engine died, for so many times in a row. */
  onDeath: (deaths: number) => void;
}

const deathsThatTell = 2;

/** `onBlame` is told when a request was found, so that its deaths are not the engine's. */
export function createQuarantine(onBlame: () => void = () => {}): Quarantine {
  const changed = createNotifier();
  const inFlight = new Set<string>();
  /** Deaths of the worker by the id of the request that was alone in it. */
  const blamed = new Map<string, number>();
  const state = { alone: 0 };

  return {
    async pass(id, ask, signal) {
      while (state.alone > 0 && inFlight.size > 0) {
        await changed.next();
        signal.throwIfAborted();
      }
      inFlight.add(id);
      try {
        const answer = await ask();
        const isCrash = answer.status === 'failed' && answer.kind === 'engine-crashed';
        if (!isCrash || (blamed.get(id) ?? 0) < deathsThatTell) return answer;
        onBlame();
        return failure('bad-request', `The engine died of this request, which was alone in it. ${answer.message}`);
      } finally {
        inFlight.delete(id);
        state.alone = Math.max(0, state.alone - 1);
        changed.notify();
      }
    },
    onDeath(deaths) {
      const [only] = inFlight;
      if (state.alone > 0 && inFlight.size === 1 && only !== undefined) blamed.set(only, (blamed.get(only) ?? 0) + 1);
      // Those that just failed are counted off first, and one that was blamed comes again.
      if (deaths >= deathsThatTell) state.alone = Math.max(state.alone, inFlight.size * 3);
    },
  };
}
