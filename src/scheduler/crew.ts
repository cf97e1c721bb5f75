import { createDeferred } from '../async/deferred.ts';
import type { LiveControl } from './live-control.ts';
import { type WorkerContext, runWorker } from './worker.ts';

/** The workers of one engine at their work. */
export interface Crew {
  /** Those that were begun so far. */
  readonly workers: readonly Promise<void>[];
  /** Settles when all have ended, or one has failed. */
  readonly ended: Promise<void>;
  /** Takes the number of workers that the user wants now. */
  follow: () => void;
}

/** Begins the work with so many workers, or with as many as the user has set. */
export function createCrew(
  context: WorkerContext,
  { maxWorkers, control }: { maxWorkers: number; control: LiveControl | undefined },
): Crew {
  const { pool, conversations } = context;
  const workers: Promise<void>[] = [];
  const ended = createDeferred<void>();
  let running = 0;

  const begin = (): void => {
    const worker = runWorker(workers.length, context);
    workers.push(worker);
    running++;
    worker.then(() => --running === 0 && ended.resolve(), ended.reject);
  };
  const follow = (): void => {
    const wanted = control?.workers() ?? null;
    // A history has a place of its own in the engine, and there are no more of those.
    const allowed = wanted === null || conversations === null ? wanted : Math.min(wanted, maxWorkers);
    // Where all have come to the end, another one would find nothing either.
    const count = running === 0 ? 0 : (allowed ?? 0);
    while (workers.length < count) begin();
    pool.limit.fix(allowed);
  };
  while (workers.length < maxWorkers) begin();
  follow();
  return { workers, ended: ended.promise, follow };
}
