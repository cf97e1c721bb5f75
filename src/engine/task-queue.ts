import { createBell } from '../core/bell.ts';
import type { ReadLine, WorkItem } from '../core/request.ts';

/** One request on its way through the lanes. */
export interface Task {
  readonly row: number;
  readonly read: ReadLine;
  attempts: number;
}

/** Feeds the lanes: retries that are due first, then the reader, which is asked only when a lane is free. */
export interface TaskQueue {
  /** The next task; null when there is none left, or the run stops. */
  next: () => Task | null | Promise<Task | null>;
  retryLater: (task: Task, delayMs: number) => void;
  /** No more tasks from now on. */
  stop: () => void;
}

/** So many waiting retries say that the engine is in trouble: then nothing new is read until some are done. */
const mostDelayed = 256;

export function createTaskQueue(batches: AsyncIterable<WorkItem[]>): TaskQueue {
  const changed = createBell();
  const reader = createReader(batches, changed.ring);
  const timers = new Map<Task, NodeJS.Timeout>();
  const due: Task[] = [];
  const state = { isStopped: false };

  const takeNow = (): Task | null => due.shift() ?? (timers.size < mostDelayed ? reader.takeNow() : null);

  const nextSlowly = async (): Promise<Task | null> => {
    while (!state.isStopped) {
      const task = takeNow();
      if (task !== null) return task;
      if (reader.hasEnded() && timers.size === 0) return null;
      if (timers.size < mostDelayed) reader.start();
      await changed.next();
    }
    return null;
  };

  return {
    next: () => (state.isStopped ? null : (takeNow() ?? nextSlowly())),
    retryLater(task, delayMs) {
      if (state.isStopped) return;
      const timer = setTimeout(() => {
        timers.delete(task);
        due.push(task);
        changed.ring();
      }, delayMs);
      timers.set(task, timer);
    },
    stop() {
      state.isStopped = true;
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
      changed.ring();
    },
  };
}

/** Hands out the items of a batch one by one; lanes that come to an empty batch wait for the same read. */
function createReader(batches: AsyncIterable<WorkItem[]>, onChange: () => void) {
  const iterator = batches[Symbol.asyncIterator]();
  const state = { batch: [] as WorkItem[], index: 0, hasEnded: false, isReading: false, failure: null as unknown };

  const read = async (): Promise<void> => {
    try {
      const { value, done } = await iterator.next();
      state.hasEnded = done === true;
      state.batch = done === true ? [] : value;
      state.index = 0;
    } catch (error) {
      state.failure = error;
    }
    state.isReading = false;
    onChange();
  };
  return {
    hasEnded: () => state.hasEnded,
    /** Throws what went wrong with the last read. */
    takeNow(): Task | null {
      if (state.failure !== null) throw state.failure;
      const item = state.batch[state.index];
      if (item === undefined) return null;
      state.index++;
      return { row: item.row, read: item.read, attempts: 0 };
    },
    /** Begins to read the next batch, unless that goes on already. */
    start(): void {
      if (state.isReading || state.hasEnded) return;
      state.isReading = true;
      void read();
    },
  };
}
