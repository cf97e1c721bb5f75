import type { Snapshot } from '../../core/snapshot.ts';
import type { RunControl } from '../../run/live/run-control.ts';
import type { ServeOptions } from '../serve-options.ts';
import type { BatchRecord } from '../store/batch-record.ts';
import type { Store } from '../store/store.ts';
import type { Emit } from '../../core/events.ts';
import type { LoadWatch } from './watch-loads.ts';

/** What a queue is made of. */
export interface QueueParts {
  store: Store;
  options: Pick<ServeOptions, 'backends' | 'environment' | 'routes' | 'settings' | 'runner' | 'notify'>;
  steps: BatchSteps;
  /** Takes the events of all runs. */
  onEvent: Emit;
  /** A clock in epoch milliseconds. */
  now: () => number;
}

/** What is done with a batch before its run and after it; each can be done again after a crash. */
interface BatchSteps {
  /** Looks at the input: what it returns has errors, or the models and the number of requests. Rejects with the signal's reason. */
  validate: (record: BatchRecord, signal: AbortSignal) => Promise<Pick<BatchRecord, 'errors' | 'models' | 'counts'>>;
  /** Writes the output and the error file of a batch from its journal. Rejects with the signal's reason. */
  writeFiles: (record: BatchRecord, signal: AbortSignal) => Promise<Partial<BatchRecord>>;
}

type WorkKind = 'validate' | 'run' | 'finish';

/** Something that is being done with a batch. */
export interface BatchWork {
  kind: WorkKind;
  stop: AbortController;
  /** What pauses the run, once it has begun. */
  control: RunControl | null;
}

/** A batch that is not over. What is to be done with it follows from its record alone. */
export interface QueuedBatch {
  readonly id: string;
  /** The older the lower. */
  readonly arrival: number;
  work: BatchWork | null;
  /** When a younger batch was first begun in its place; epoch milliseconds, else null. */
  passedAt: number | null;
  /** Why the last work failed, and when it is tried again in epoch milliseconds; null where all is well. */
  problem: { text: string; of: WorkKind; retryAtMs: number; tries: number } | null;
  /** So many of its lines failed that a run stops, and by their own fault: it goes on all the same. */
  toleratesFailures: boolean;
  /** The engine failed in its last run, so what failed for a passing reason is sent again in the next one. */
  retriesFailed: boolean;
}

export interface QueueContext extends QueueParts {
  readonly queued: Map<string, QueuedBatch>;
  readonly loads: LoadWatch;
  /** The numbers of the runs of this session, of batches that are over too. */
  readonly snapshots: Map<string, () => Snapshot>;
  /** All that is being done, so that the end waits for it. */
  readonly works: Set<Promise<void>>;
  /** Aborted when everything is to end now. */
  readonly abort: AbortController;
  isClosing: boolean;
  timer: NodeJS.Timeout | null;
  /** Tells those who watch that a batch, or with null the queue, changed. */
  tell: (id: string | null) => void;
  /** Does what there is to do now, after a change. */
  advance: () => void;
}
