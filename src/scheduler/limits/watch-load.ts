import { withDeadline } from '../../async/abort.ts';
import type { Backend } from '../../core/backend.ts';
import type { Emit, Notify } from '../../core/events.ts';
import type { EngineLoad } from '../../core/measurements.ts';
import { formatCounted } from '../../text/format.ts';

export interface LoadWatched {
  backend: Pick<Backend, 'info' | 'inspection'>;
  /** What is in flight, as an engine counts it: an answer with two choices is two requests. */
  ours: () => number;
  /** The engine is away, and not asked. */
  isAway: () => boolean;
  /** The run gives way to others: it asks also while nothing is in flight, and tells of them itself. */
  givesWay: boolean;
  /** Told about once a second; null: the engine does not tell any more. */
  onLoad: (load: EngineLoad | null) => void;
  /** The engine says nothing of its load. */
  onUntold: () => void;
  emit: Emit;
  notify: Notify;
}

const tickMs = 1000;
/** A server that is busy with a long prompt may answer late. It is asked one question at a time. */
const maxMs = 5000;
/** Questions without an answer after which what was told before is no longer true. */
const maxMisses = 3;
/** Looks that must agree on the requests of others: one of ours may have ended without the server having noticed it. */
const sureLooks = 3;

/** Asks an engine for its load while requests are in flight, or always where the run gives way. One that does not say is asked once, and nothing comes of a failure. */
export function watchLoad(watched: LoadWatched): { close: () => void } {
  const { backend, ours, isAway, givesWay, onLoad, onUntold, emit } = watched;
  const { inspection } = backend;
  const closing = new AbortController();
  const addOthers = createOthersWatch(watched);
  const state = { isAsking: false, misses: 0 };

  const tell = (load: EngineLoad | null): void => {
    emit({ type: 'engine-load', load });
    onLoad(load);
  };
  const lookOnce = async (): Promise<void> => {
    const before = ours();
    const load = await withDeadline(closing.signal, maxMs, async (signal) => inspection?.load?.(signal) ?? null);
    if (load === null) {
      clearInterval(timer);
      onUntold();
    }
    state.misses = 0;
    tell(load === null ? null : addOthers(load, Math.max(before, ours())));
  };
  const onMiss = (): void => {
    if (++state.misses === maxMisses && !closing.signal.aborted) tell(null);
  };
  const tick = (): void => {
    if (state.isAsking || (ours() === 0 && !givesWay) || isAway()) return;
    state.isAsking = true;
    void lookOnce()
      .catch(onMiss)
      .finally(() => (state.isAsking = false));
  };
  const timer = inspection?.load === undefined ? undefined : setInterval(tick, tickMs);
  if (inspection?.load === undefined) onUntold();
  else if (givesWay) tick();
  return {
    close() {
      clearInterval(timer);
      closing.abort();
    },
  };
}

/** Adds the requests of others to a load, `ours` at most being ours; the first time that there are some, the user is told. */
function createOthersWatch({ backend, givesWay, notify }: LoadWatched): (load: EngineLoad, ours: number) => EngineLoad {
  let recent: number[] = [];
  let isTold = givesWay;
  return (load, ours) => {
    const rest = load.running + (load.waiting ?? 0) - ours;
    // With nothing of ours there, one look is sure.
    recent = ours === 0 ? Array<number>(sureLooks).fill(rest) : [...recent, rest].slice(-sureLooks);
    const others = recent.length < sureLooks ? 0 : Math.min(...recent);
    if (others <= 0) return load;
    if (!isTold) notify({ topic: 'engine', text: sharedText(others, backend.info.server) });
    isTold = true;
    return { ...load, others };
  };
}

const sharedText = (others: number, server = 'the engine'): string =>
  `warning: others use ${server} too (${formatCounted(others, 'request')} of theirs now): it is shared with them, and so is its prefix cache`;
