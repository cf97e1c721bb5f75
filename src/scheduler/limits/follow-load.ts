import type { EngineLoad } from '../../core/measurements.ts';

/** What a server says of its load, and what of it is ours. */
interface LoadSample {
  load: EngineLoad;
  /** Requests of ours in flight. */
  inFlight: number;
  /** The limit of those. */
  limit: number;
}

/**
 * The limit that a server's own numbers ask for; null where they say nothing, as from a server that does not tell what
 * waits, or that has not even begun to work on what it was sent.
 */
export type LoadFollower = (sample: LoadSample) => number | null;

/** Factors by which the limit grows while nothing waits: the second once a queue has been too long. */
const steps = { first: 2, later: 1.25 };
/** A queue is too long when it has been so in as many samples, about a second apart: prompts that are read wait for a moment. */
const longSamples = 5;
/** Shares of the limit that are in flight, and of those that the server works on, where there is room for more. */
const filled = { limit: 0.9, running: 0.8 };
/** A KV cache with less room than this: another request would push one out that is worked on. */
const maxKvUsage = 0.9;

/** Requests that are to wait, so that the server has the next one at hand; twice as many are no harm. */
const reserveOf = (running: number): number => Math.max(2, Math.ceil(running / 8));

/** Grows while the server works on all that it has, and lets the queue of a server that works on what it can become short. */
export function createLoadFollower(max: number): LoadFollower {
  let step = steps.first;
  const lookAtQueue = createQueueWatch();
  return (sample) => {
    const { load, inFlight, limit } = sample;
    if (load.waiting === null) return null;
    const enough = lookAtQueue(load);
    if (enough !== null) step = steps.later;
    if (enough !== null || isFull(sample)) return Math.min(limit, enough ?? limit);
    if (load.running - (load.others ?? 0) < filled.running * inFlight) return null;
    return Math.max(limit, Math.min(max, Math.ceil(Math.max(limit, inFlight) * step)));
  };
}

/** Something waits, or more would: for want of room in the KV cache, or because we have no more to send. */
const isFull = ({ load: { waiting, kvUsage }, inFlight, limit }: LoadSample): boolean =>
  (waiting ?? 0) > 0 || (kvUsage ?? 0) > maxKvUsage || inFlight < filled.limit * limit;

/** Returns how many are enough, once too many have waited for long; null at any other time. */
function createQueueWatch(): (load: EngineLoad) => number | null {
  let queue = { samples: 0, maxRunning: 0 };
  return ({ running, waiting, others = 0 }) => {
    // Whose requests wait isn't known where others send some too.
    const isLong = (waiting ?? 0) > 2 * reserveOf(running) && others === 0;
    queue = isLong
      ? { samples: queue.samples + 1, maxRunning: Math.max(running, queue.maxRunning) }
      : { samples: 0, maxRunning: 0 };
    if (queue.samples < longSamples) return null;
    const enough = queue.maxRunning + reserveOf(queue.maxRunning);
    queue = { samples: 0, maxRunning: 0 };
    return enough;
  };
}
