import type { RunEvent } from '../../core/events.ts';
import type { RunProgress, WorkerCounts } from '../../core/snapshot.ts';

type Start<Type extends RunEvent['type']> = Extract<RunEvent, { type: Type }>;

/** What the engines of a run were opened with: how many requests they may have in flight, and how long they took to load. */
export interface Openings {
  addModel(start: Start<'model-start'>): void;
  /** One of several servers takes part. */
  addServer(start: Start<'server-start'>): void;
  setWorkers(current: number): void;
  /** What is being done before the engine can answer; the next model that is there ends it. */
  setStep(step: string): void;
  progress(): Pick<RunProgress, 'workers' | 'step'>;
  /** Milliseconds, summed over the models; of several servers, which load at the same time, the longest counts. */
  loadMs(): number | null;
}

export function createOpenings(): Openings {
  let workers: WorkerCounts = { current: 0, atStart: 0, max: 0 };
  const load = { sumMs: null as number | null, ofModelMs: 0 };
  let hasServers = false;
  let step: string | null = null;

  const addLoad = (loadMs: number | null): void => {
    if (loadMs === null) return;
    load.sumMs = (load.sumMs ?? 0) + Math.max(0, loadMs - load.ofModelMs);
    load.ofModelMs = Math.max(load.ofModelMs, loadMs);
  };
  return {
    addModel({ workers: atStart, maxWorkers, loadMs }) {
      workers = { current: atStart, atStart, max: maxWorkers };
      hasServers = false;
      step = null;
      load.ofModelMs = 0;
      addLoad(loadMs);
    },
    addServer({ workers: atStart, maxWorkers, loadMs }) {
      // What the model began with is that of the first server.
      const others = hasServers ? workers : { atStart: 0, max: 0 };
      hasServers = true;
      workers = { ...workers, atStart: others.atStart + atStart, max: others.max + maxWorkers };
      addLoad(loadMs);
    },
    // The user may set more than there were to be.
    setWorkers: (current) => void (workers = { ...workers, current, max: Math.max(workers.max, current) }),
    setStep: (next) => void (step = next),
    progress: () => ({ workers, ...(step !== null && { step }) }),
    loadMs: () => load.sumMs,
  };
}
