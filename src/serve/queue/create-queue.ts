import { createBackendCache } from '../../run/choose/backend-cache.ts';
import { isOver } from '../store/batch-record.ts';
import type { Pause } from '../store/pause-file.ts';
import { advanceBatches, findRunning, waitingTurns } from './advance-batches.ts';
import type { BatchQueue, QueueState } from './batch-queue.ts';
import { into } from './into.ts';
import { orderTurns } from './order-turns.ts';
import type { QueueContext, QueueParts } from './queue-context.ts';
import { tellBatch } from './tell-batch.ts';
import { watchLoads } from './watch-loads.ts';

/** The queue of a store, before it has begun. */
export interface NewQueue extends BatchQueue {
  /** Goes on with all batches that are not over. */
  start: () => void;
}

export function createBatchQueue(parts: QueueParts): NewQueue {
  const context = createContext(parts);
  const { queued, store, snapshots, listeners } = context;
  const state = { arrivals: 0, closing: null as Promise<void> | null };
  const add = (id: string): void => {
    queued.set(id, {
      id,
      arrival: state.arrivals++,
      work: null,
      passedAt: null,
      problem: null,
      toleratesFailures: false,
      retriesFailed: false,
    });
  };
  return {
    start() {
      for (const record of store.batches.list().toReversed()) if (!isOver(record)) add(record.id);
      context.advance();
    },
    submit(id) {
      if (queued.has(id)) return;
      add(id);
      tellBatch(context, id, 'submitted');
      context.tell(id);
      context.advance();
    },
    async cancel(id) {
      const record = await store.batches.update(id, (now) =>
        now.status === 'validating' || now.status === 'in_progress' ? into(context, now, 'cancelling') : {},
      );
      if (record.status === 'cancelling') stopWork(context, id);
      return record;
    },
    pause: (id, by) => (id === null ? pauseAll(context, by) : pauseBatch(context, id, by)),
    resume: (id, by) => (id === null ? resumeAll(context, by) : resumeBatch(context, id)),
    state: () => stateOf(context),
    snapshotOf: (id) => snapshots.get(id)?.() ?? null,
    problemOf: (id) => queued.get(id)?.problem?.text ?? null,
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close(isUrgent) {
      if (isUrgent) context.abort.abort();
      state.closing ??= close(context);
      return state.closing;
    },
  };
}

interface ListenedContext extends QueueContext {
  listeners: Set<(id: string | null) => void>;
}

function createContext(parts: QueueParts): ListenedContext {
  const listeners: ListenedContext['listeners'] = new Set();
  const context: ListenedContext = {
    ...parts,
    listeners,
    queued: new Map(),
    loads: watchLoads(createBackendCache()),
    snapshots: new Map(),
    works: new Set(),
    abort: new AbortController(),
    isClosing: false,
    timer: null,
    tell(id) {
      for (const listener of listeners) listener(id);
    },
    advance: () => advanceBatches(context),
  };
  return context;
}

/** Ends the validation or the run of a batch, as the record says by now why. */
function stopWork(context: QueueContext, id: string): void {
  const work = context.queued.get(id)?.work ?? null;
  if (work !== null && work.kind !== 'finish') work.stop.abort();
  context.tell(id);
  context.advance();
}

async function pauseBatch(context: QueueContext, id: string, by: string): Promise<void> {
  const { paused } = await context.store.batches.update(id, (now) =>
    isOver(now) || now.paused !== null ? {} : { paused: pauseBy(context, by) },
  );
  if (paused === null) return;
  const batch = context.queued.get(id);
  if (batch !== undefined) batch.passedAt = null;
  tellBatch(context, id, `paused by ${paused.by}`);
  if (batch?.work?.kind === 'run') stopWork(context, id);
  else context.tell(id);
}

async function resumeBatch(context: QueueContext, id: string): Promise<void> {
  await context.store.batches.update(id, { paused: null });
  const batch = context.queued.get(id);
  // Whoever resumes a batch that waits for its engine, or for the disk, knows that they are there again.
  if (batch !== undefined) batch.problem = null;
  context.tell(id);
  context.advance();
}

async function pauseAll(context: QueueContext, by: string): Promise<void> {
  const { pause } = context.store;
  const saved = pause.set(pause.get() ?? pauseBy(context, by));
  findRunning(context)?.work?.control?.pause(by);
  context.tell(null);
  await saved;
}

async function resumeAll(context: QueueContext, by: string): Promise<void> {
  const saved = context.store.pause.set(null);
  findRunning(context)?.work?.control?.resume(by);
  context.tell(null);
  context.advance();
  await saved;
}

const pauseBy = ({ now }: QueueContext, by: string): Pause => ({
  by,
  since: new Date(now()).toISOString(),
});

function stateOf(context: QueueContext): QueueState {
  const { loads, queued, store } = context;
  const running = findRunning(context)?.id ?? null;
  const waiting = orderTurns(waitingTurns(context), { loadedModel: loads.model(), nowMs: context.now() });
  const problem = waiting.flatMap(({ id }) => queued.get(id)?.problem?.text ?? [])[0] ?? null;
  return {
    running,
    waiting: waiting.map(({ id }) => id),
    loadedModel: loads.model(),
    modelLoads: loads.loads(),
    paused: store.pause.get(),
    problem: running === null ? problem : null,
  };
}

async function close(context: QueueContext): Promise<void> {
  context.isClosing = true;
  if (context.timer !== null) clearTimeout(context.timer);
  for (const { work } of context.queued.values()) if (work?.kind !== 'finish') work?.stop.abort();
  await Promise.all(context.works);
  await context.loads.cache.close(context.abort.signal.aborted);
}
