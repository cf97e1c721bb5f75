import { type Notifier, createNotifier } from '../../async/notifier.ts';
import { type Partition, createPartitionReader } from './partitions.ts';
import { type Retries, createRetries } from './retries.ts';
import { type Task, downedBy, isSuspect, untried } from './task.ts';

/** Feeds the workers of all engines: retries that are due first, then the readers, which are asked only when a worker is free. */
export interface TaskQueue {
  /** Lets an engine (0-based) take part. */
  join: (engine: number, taker: Taker) => EngineQueue;
  retryLater: (task: Task, delayMs: number) => void;
  /** Asks the takers again for the workers that wait: the answer may be another one now. */
  wake: () => void;
  /** Requests that no worker has, that don't wait for their time, and that any engine may begin; Infinity where nobody knows. */
  left: () => number;
  /** Hands out no more tasks from now on. */
  stop: () => void;
  /** Throws this error at each worker that asks for a task from now on. */
  fail: (error: Error) => void;
}

/** What an engine says of the tasks that it may be handed. */
interface Taker {
  /** May this worker (0-based) take a request now? */
  mayTake: (worker: number) => boolean;
  /** No task is handed out while workers of the engine have so many: those that may take no other one still have theirs. */
  maxTaken: () => number;
  /** Is a task that must be alone in the engine kept apart there, so that others may run beside it? */
  isolates: boolean;
  /** Would another engine take a task that this one failed? */
  mayAvoid: () => boolean;
  /** Is none of these engines (0-based) to be waited for? */
  areOut: (engines: readonly number[]) => boolean;
  /** Is the engine to begin another request? False where the others will be through with all that is left sooner. */
  mayBegin: () => boolean;
}

/** The queue as the workers of one engine see it. A worker that may not take a task waits until it may, or until there are no more. */
export interface EngineQueue {
  /** The worker's next task; null when every task has come to its end, or the run stops. */
  next: (worker: number) => Task | null | Promise<Task | null>;
  /** The worker that took a task is through with it, or has put it off. */
  release: (task: Task) => void;
}

export function createTaskQueue(partitions: readonly Partition[]): TaskQueue {
  const changed = createNotifier();
  const shared: Shared = {
    changed,
    reader: createPartitionReader(partitions, changed.notify),
    retries: createRetries(changed.notify),
    rooms: [],
    isWaitedFor: false,
    isStopped: false,
    failure: null,
  };
  const { reader, retries } = shared;
  return {
    join: (engine, taker) => joinQueue(shared, engine, taker),
    retryLater(task, delayMs) {
      if (!shared.isStopped) retries.add(task, delayMs);
    },
    wake: changed.notify,
    left: () => reader.left() + retries.due(),
    stop() {
      shared.isStopped = true;
      retries.clear();
      changed.notify();
    },
    fail(error) {
      shared.failure = error;
      changed.notify();
    },
  };
}

/** What the queues of all engines have in common. */
interface Shared {
  readonly changed: Notifier;
  readonly reader: ReturnType<typeof createPartitionReader>;
  readonly retries: Retries;
  readonly rooms: Room[];
  /** A worker waits for room, or for the others to hold back no more: any task that ends may make that. */
  isWaitedFor: boolean;
  isStopped: boolean;
  failure: Error | null;
}

function joinQueue(shared: Shared, engine: number, taker: Taker): EngineQueue {
  const { changed, reader, retries } = shared;
  const waitUnless = (isThere: boolean): boolean => {
    if (!isThere) shared.isWaitedFor = true;
    return isThere;
  };
  const room = createRoom(taker, waitUnless);
  shared.rooms.push(room);

  const fits = createFit(shared, engine, { ...taker, isThereForOne: room.isThereForOne });
  const mayRead = (): boolean => retries.mayRead() && waitUnless(taker.mayBegin());
  const readNow = (): Task | null => {
    const item = mayRead() ? reader.takeNow(engine) : null;
    return item && untried(item);
  };
  const takeNow = (worker: number): Task | null => {
    if (!room.isThere(worker)) return null;
    const due = retries.peekDue(fits);
    if (due !== undefined && isSuspect(due) && !room.isThereForOne()) return null;
    if (due !== undefined) retries.takeDue(due);
    const task = due ?? readNow();
    if (task !== null) room.take(task);
    return task;
  };
  // A task that a worker still has may come back as a retry, and that worker may not be allowed to take it.
  const hasEnded = (): boolean =>
    reader.hasEnded() && retries.isEmpty() && shared.rooms.every((other) => other.isEmpty());

  const isOver = (): boolean => shared.isStopped || shared.failure !== null;
  const nextSlowly = async (worker: number): Promise<Task | null> => {
    while (!shared.isStopped) {
      if (shared.failure !== null) throw shared.failure;
      const task = takeNow(worker);
      if (task !== null || hasEnded()) return task;
      if (room.isThere(worker) && mayRead()) reader.start(engine);
      await changed.next();
    }
    return null;
  };
  return {
    next: (worker) => (isOver() ? nextSlowly(worker) : (takeNow(worker) ?? nextSlowly(worker))),
    release(task) {
      room.giveBack(task);
      const { isWaitedFor } = shared;
      shared.isWaitedFor = false;
      if (isWaitedFor || hasEnded()) changed.notify();
    },
  };
}

/** Returns what says whether an engine is to take a retry. */
function createFit(
  { reader, retries }: Shared,
  engine: number,
  taker: Taker & Pick<Room, 'isThereForOne'>,
): (task: Task) => boolean {
  /** A request that may bring this engine down as it did others is the last one, and waits for those as long as they may return. */
  const mayRisk = (downed: readonly number[]): boolean =>
    downed.includes(engine) || (taker.areOut(downed) && reader.left() === 0 && retries.due() === 0);
  return (task) => {
    // What waits to be alone is passed by where others may run beside it.
    if (taker.isolates && isSuspect(task) && !taker.isThereForOne()) return false;
    const downed = downedBy(task);
    return downed === null ? task.failedOn !== engine || !taker.mayAvoid() : mayRisk(downed);
  };
}

type Room = ReturnType<typeof createRoom>;

/** Counts the tasks that the workers of one engine have. */
function createRoom({ mayTake, maxTaken, isolates }: Taker, waitUnless: (isThere: boolean) => boolean) {
  const state = { taken: 0, alone: null as Task | null };
  const mayJoin = (): boolean => state.alone === null || isolates;
  return {
    isEmpty: () => state.taken === 0,
    isThere: (worker: number): boolean => mayTake(worker) && waitUnless(mayJoin() && state.taken < maxTaken()),
    /** Is there room for a task that must be alone? */
    isThereForOne: (): boolean => waitUnless(isolates ? state.alone === null : state.taken === 0),
    take(task: Task): void {
      state.taken++;
      if (isSuspect(task)) state.alone = task;
    },
    giveBack(task: Task): void {
      state.taken--;
      if (state.alone === task) state.alone = null;
    },
  };
}
