import type { Spent } from '../core/attempt-tokens.ts';
import { createNotifier } from '../async/notifier.ts';
import type { WorkItem } from '../core/request.ts';

/** One request on its way through the workers. */
export interface Task extends WorkItem {
  /** Number of times that the request was sent. */
  attempts: number;
  /** Number of attempts that don't count against the retries, since the engine was to blame. */
  forgiven: number;
  /** What the attempts before the next one cost; null where there were none. */
  retried: Spent | null;
  /** Number of times that memory had lowered the workers when the request was last sent. */
  lowerings: number;
  /** Number of times that the engine had been away when the request was last sent. */
  outages: number;
  /** Null while the engine had no trouble with it. */
  suspicion: Suspicion | null;
}

/** What a request was in flight for that may be its own doing. */
interface Suspicion {
  /** How often the engine went away, crashed or ran out of memory with it, among others. */
  troubles: number;
  /** How often it did so with this request alone. */
  alone: number;
  /** Answers there had been before. */
  answersBefore: number;
}

/** Number of troubles that make a request a suspect: a single one may have come from outside. */
export const troublesThatTell = 2;

/** What may be the cause is sent with nothing else in flight: else every request that is ever beside it would fail with it. */
export const isSuspect = ({ suspicion }: Task): boolean => (suspicion?.troubles ?? 0) >= troublesThatTell;

/** Feeds the workers: retries that are due first, then the reader, which is asked only when a worker is free. */
export interface TaskQueue {
  /** The worker's next task; null when every task has come to its end, or the run stops. */
  next: (worker: number) => Task | null | Promise<Task | null>;
  /** The worker that took a task is through with it, or has put it off. */
  release: () => void;
  retryLater: (task: Task, delayMs: number) => void;
  /** Asks `mayTake` again for the workers that wait: its answer may be another one now. */
  wake: () => void;
  /** Hands out no more tasks from now on. */
  stop: () => void;
  /** Throws this error at each worker that asks for a task from now on. */
  fail: (error: Error) => void;
}

/**
 * A worker that may not take a task waits here until it may, or until there are no more. No task is handed out while workers
 * have `maxTaken` of them: those that may take no other one still have theirs.
 */
export function createTaskQueue(
  batches: AsyncIterable<WorkItem[]>,
  mayTake: (worker: number) => boolean = () => true,
  maxTaken: () => number = () => Infinity,
): TaskQueue {
  const changed = createNotifier();
  const reader = createReader(batches, changed.notify);
  const retries = createRetries(changed.notify);
  const room = createRoom(mayTake, maxTaken);
  const state = { isStopped: false, failure: null as Error | null };

  const takeNow = (worker: number): Task | null => {
    if (!room.isThere(worker)) return null;
    if (retries.isSuspectDue() && !room.isThereForOne()) return null;
    const task = retries.takeDue() ?? (retries.mayRead() ? reader.takeNow() : null);
    if (task !== null) room.take(isSuspect(task));
    return task;
  };
  // A task that a worker still has may come back as a retry, and that worker may not be allowed to take it.
  const hasEnded = (): boolean => reader.hasEnded() && room.isEmpty() && retries.isEmpty();

  const nextSlowly = async (worker: number): Promise<Task | null> => {
    while (!state.isStopped) {
      if (state.failure !== null) throw state.failure;
      const task = takeNow(worker);
      if (task !== null || hasEnded()) return task;
      if (room.isThere(worker) && retries.mayRead()) reader.start();
      await changed.next();
    }
    return null;
  };

  return {
    next: (worker) => (state.isStopped ? null : (takeNow(worker) ?? nextSlowly(worker))),
    release() {
      const isWaitedFor = room.giveBack();
      if (isWaitedFor || hasEnded()) changed.notify();
    },
    retryLater(task, delayMs) {
      if (!state.isStopped) retries.add(task, delayMs);
    },
    wake: changed.notify,
    stop() {
      state.isStopped = true;
      retries.clear();
      changed.notify();
    },
    fail(error) {
      state.failure = error;
      changed.notify();
    },
  };
}

/** Counts the tasks that workers have. */
function createRoom(mayTake: (worker: number) => boolean, maxTaken: () => number) {
  const state = { taken: 0, isAlone: false, isWaitedFor: false };
  const waitUnless = (isThere: boolean): boolean => {
    if (!isThere) state.isWaitedFor = true;
    return isThere;
  };
  return {
    isEmpty: () => state.taken === 0,
    isThere: (worker: number): boolean => mayTake(worker) && waitUnless(!state.isAlone && state.taken < maxTaken()),
    /** Is there room for a task that must have nothing beside it? */
    isThereForOne: (): boolean => waitUnless(state.taken === 0),
    take(isAlone: boolean): void {
      state.taken++;
      state.isAlone = isAlone;
    },
    /** True when a worker waits that nothing else hinders. */
    giveBack(): boolean {
      const { isWaitedFor } = state;
      state.taken--;
      Object.assign(state, { isAlone: false, isWaitedFor: false });
      return isWaitedFor;
    },
  };
}

/** Number of waiting retries at which the engine is in trouble: nothing new is read until some are done. */
const maxDelayed = 256;

/** Tasks that wait for their time, and those whose time has come. */
function createRetries(onDue: () => void) {
  const timers = new Map<Task, NodeJS.Timeout>();
  const due: Task[] = [];
  return {
    mayRead: () => timers.size < maxDelayed,
    isEmpty: () => timers.size + due.length === 0,
    takeDue: () => due.shift(),
    isSuspectDue: (): boolean => due[0] !== undefined && isSuspect(due[0]),
    add(task: Task, delayMs: number): void {
      const timer = setTimeout(() => {
        timers.delete(task);
        due.push(task);
        onDue();
      }, delayMs);
      timers.set(task, timer);
    },
    clear(): void {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
    },
  };
}

/** A literal with every field: a spread would cost more than all the rest of handing out a task. */
const untried = ({ row, read }: WorkItem): Task => ({
  row,
  read,
  attempts: 0,
  forgiven: 0,
  retried: null,
  lowerings: 0,
  outages: 0,
  suspicion: null,
});

/** Hands out the items of a batch one by one; workers that come to an empty batch wait for the same read. */
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
      return untried(item);
    },
    /** Begins to read the next batch where this one is empty, unless that goes on already. */
    start(): void {
      const isEmpty = state.index >= state.batch.length;
      if (!isEmpty || state.isReading || state.hasEnded) return;
      state.isReading = true;
      void read();
    },
  };
}
