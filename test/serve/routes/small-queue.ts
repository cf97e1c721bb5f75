import type { Snapshot } from '../../../src/core/snapshot.ts';
import type { BatchQueue, QueueState } from '../../../src/serve/queue/batch-queue.ts';
import { type BatchRecord, isOver } from '../../../src/serve/store/batch-record.ts';
import { batchRecord } from '../batch-record.ts';

/** A queue in memory whose batches change as the test says. */
export interface SmallQueue {
  queue: Pick<BatchQueue, 'state' | 'snapshotOf' | 'problemOf' | 'subscribe' | 'pause' | 'resume'>;
  batches: { find: (id: string) => BatchRecord | null; list: () => BatchRecord[] };
  add: (changes: Partial<BatchRecord>) => BatchRecord;
  change: (id: string, changes: Partial<BatchRecord>) => void;
  setState: (changes: Partial<QueueState>) => void;
  setSnapshot: (id: string, snapshot: Snapshot) => void;
  /** Listeners that there are. */
  listeners: () => number;
}

export function createSmallQueue(): SmallQueue {
  const records = new Map<string, BatchRecord>();
  const snapshots = new Map<string, Snapshot>();
  const listeners = new Set<(id: string | null) => void>();
  let state: QueueState = {
    running: null,
    waiting: [],
    loadedModel: null,
    modelLoads: 0,
    paused: null,
    problem: null,
  };
  const tell = (id: string | null): void => listeners.forEach((listener) => listener(id));
  const setState = (changes: Partial<QueueState>): void => {
    state = { ...state, ...changes };
    tell(null);
  };
  return {
    queue: {
      state: () => state,
      snapshotOf: (id) => snapshots.get(id) ?? null,
      problemOf: () => null,
      subscribe(listener) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
      pause: async (_id, by) => setState({ paused: { by, since: '2026-01-01T00:00:00.000Z' } }),
      resume: async () => setState({ paused: null }),
    },
    batches: { find: (id) => records.get(id) ?? null, list: () => [...records.values()].toReversed() },
    add(changes) {
      const record = batchRecord(changes);
      records.set(record.id, record);
      return record;
    },
    change(id, changes) {
      const before = records.get(id);
      if (before === undefined) throw new Error(`no batch ${id}`);
      records.set(id, { ...before, ...changes });
      tell(id);
    },
    setState,
    setSnapshot: (id, snapshot) => void snapshots.set(id, snapshot),
    listeners: () => listeners.size,
  };
}

/** A batch as the routes under test answer with it: enough to tell its states apart. */
export const describeBriefly = (record: BatchRecord) => ({
  id: record.id,
  status: record.status,
  request_counts: record.counts,
  usage: null,
  llmbatch: { state: isOver(record) ? 'over' : 'running', progress: { done: record.counts.completed } },
});
