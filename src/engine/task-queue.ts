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
  const reader = createReader(batches);
  const changed = createBell();
  const timers = new Map<Task, NodeJS.Timeout>();
  const due: Task[] = [];
  const state = { isStopped: false };

  const takeNow = (): Task | null => due.shift() ?? (timers.size < mostDelayed ? reader.takeNow() : null);

  const nextSlowly = async (): Promise<Task | null> => {
    while (!state.isStopped) {
      const task = takeNow();
      if (task !== null) return task;
      if (reader.hasEnded() && timers.size === 0) return null;
      const isReading = !reader.hasEnded() && timers.size < mostDelayed;
      await Promise.race(isReading ? [changed.next(), reader.read()] : [changed.next()]);
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
function createReader(batches: AsyncIterable<WorkItem[]>) {
  const iterator = batches[Symbol.asyncIterator]();
  let batch: WorkItem[] = [];
  let index = 0;
  let hasEnded = false;
  let reading: Promise<void> | null = null;

  const readBatch = async (): Promise<void> => {
    const { value, done } = await iterator.next();
    hasEnded = done === true;
    batch = done === true ? [] : value;
    index = 0;
    reading = null;
  };
  return {
    hasEnded: () => hasEnded,
    takeNow(): Task | null {
      const item = batch[index];
      if (item === undefined) return null;
      index++;
      return { row: item.row, read: item.read, attempts: 0 };
    },
    /** Resolves when the next batch is there, or the end. */
    read(): Promise<void> {
      if (index < batch.length) return Promise.resolve();
      reading ??= readBatch();
      return reading;
    },
  };
}
