import type { Snapshot } from '../../core/snapshot.ts';
import type { BatchRecord } from '../store/batch-record.ts';
import type { Pause } from '../store/pause-file.ts';

/** Runs the batches of a store, one after the other, each as an ordinary run. */
export interface BatchQueue {
  /** Takes a batch that the store has: it is validated at once, and then waits for its turn. */
  submit: (id: string) => void;
  /** What is in flight may end; then what is done is handed out. Resolves once the batch is `cancelling`, or was over before. */
  cancel: (id: string) => Promise<BatchRecord>;
  /** Without an id: all batches, with the model loaded, over a restart too. A batch that is paused lets the next one go on. */
  pause: (id: string | null, by: string) => Promise<void>;
  resume: (id: string | null, by: string) => Promise<void>;
  state: () => QueueState;
  /** The numbers of a batch that is running, or was in this session; null where there are none. */
  snapshotOf: (id: string) => Snapshot | null;
  /** Why a batch does not go on though it is its turn, as a sentence: the engine is away, the disk is full. Null where all is well. */
  problemOf: (id: string) => string | null;
  /** Called when a batch or the queue changed: its id, or null. Returns what ends it. */
  subscribe: (listener: (id: string | null) => void) => () => void;
  /** Stops the run; the batch goes on at the next start. */
  close: (isUrgent: boolean) => Promise<void>;
}

export interface QueueState {
  running: string | null;
  /** The batches that wait, in the order in which they would be run now. */
  waiting: string[];
  /** The model that is loaded, and how many times one was loaded since the start. */
  loadedModel: string | null;
  modelLoads: number;
  /** Who paused all, and since when (ISO 8601). */
  paused: Pause | null;
  /** Why nothing is run though something waits, as a sentence: the engine is away. Null where all is well. */
  problem: string | null;
}
