import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { WorkItem } from '../../src/core/request.ts';
import type { Task } from '../../src/scheduler/queue/task.ts';
import {
  type EngineQueue,
  type TaskQueue as SharedQueue,
  createTaskQueue as createQueue,
} from '../../src/scheduler/queue/task-queue.ts';
import { items } from './requests.ts';

type TaskQueue = SharedQueue & EngineQueue;

/** The queue of a run on one engine. */
function createTaskQueue(
  batches: AsyncIterable<WorkItem[]>,
  mayTake: (worker: number) => boolean = () => true,
  { maxTaken = () => Infinity, isolates = false }: { maxTaken?: () => number; isolates?: boolean } = {},
): TaskQueue {
  const queue = createQueue([{ size: null, items: batches }]);
  const alone = { mayAvoid: () => false, areOut: () => true, mayBegin: () => true };
  return { ...queue, ...queue.join(0, { mayTake, maxTaken, isolates, ...alone }) };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

async function take(queue: TaskQueue): Promise<Task> {
  const task = await queue.next(0);
  if (task === null) throw new Error('no task');
  return task;
}

/** Puts a taken task off, as a worker does. */
function putOff(queue: TaskQueue, task: Task, delayMs: number): void {
  queue.retryLater(task, delayMs);
  queue.release(task);
}

/** The rows of all that is left. */
async function restOf(queue: TaskQueue): Promise<number[]> {
  const rows: number[] = [];
  for (let task = await queue.next(0); task !== null; task = await queue.next(0)) {
    rows.push(task.row);
    queue.release(task);
  }
  return rows;
}

const rowOf = async (next: Task | null | Promise<Task | null>): Promise<number | null> => (await next)?.row ?? null;

describe('the task queue', () => {
  test('hands out every item once, in order, to however many ask at a time', async () => {
    const queue = createTaskQueue(items(40, 7));
    const worker = async (number: number): Promise<number | null> => {
      const task = await queue.next(number);
      if (task !== null) queue.release(task);
      return task?.row ?? null;
    };
    const rows = await Promise.all(Array.from({ length: 42 }, (_, number) => worker(number)));
    expect(rows).toEqual([...Array.from({ length: 40 }, (_, row) => row), null, null]);
  });

  test('hands out no more than so many at a time, and loses none for it', async () => {
    let most = 4;
    const queue = createTaskQueue(items(40, 7), undefined, { maxTaken: () => most });
    const had = { now: 0, peak: 0, rows: [] as number[] };
    const worker = async (number: number): Promise<void> => {
      for (;;) {
        const task = await queue.next(number);
        if (task === null) return;
        had.rows.push(task.row);
        had.peak = Math.max(had.peak, ++had.now);
        await Promise.resolve();
        had.now--;
        queue.release(task);
        most = had.rows.length < 20 ? 4 : 1;
      }
    };
    await Promise.all(Array.from({ length: 10 }, (_, number) => worker(number)));
    expect(had).toEqual({ now: 0, peak: 4, rows: Array.from({ length: 40 }, (_, row) => row) });
  });

  test('reads no batch before somebody has come to the end of the last one', async () => {
    let read = 0;
    async function* counted(): AsyncGenerator<WorkItem[]> {
      for await (const batch of items(6, 2)) {
        read++;
        yield batch;
      }
    }
    const queue = createTaskQueue(counted());
    await queue.next(0);
    await queue.next(0);
    expect(read).toBe(1);
    await queue.next(0);
    expect(read).toBe(2);
  });

  test('hands a retry out when its time has come, before new items', async () => {
    const queue = createTaskQueue(items(3, 3));
    const first = await take(queue);
    putOff(queue, first, 1000);
    const second = await take(queue);
    await vi.advanceTimersByTimeAsync(1000);
    expect(await queue.next(0)).toBe(first);
    const third = await take(queue);
    expect([second.row, third.row]).toEqual([1, 2]);
    for (const task of [first, second, third]) queue.release(task);
    expect(await queue.next(0)).toBeNull();
  });

  test('does not end while a retry waits', async () => {
    const queue = createTaskQueue(items(1));
    const task = await take(queue);
    putOff(queue, task, 5000);
    const [first, second] = [queue.next(0), queue.next(0)];
    await vi.advanceTimersByTimeAsync(5000);
    expect(await first).toBe(task);
    queue.release(task);
    expect(await second).toBeNull();
  });

  test('does not end while a task is out: it may come back', async () => {
    const queue = createTaskQueue(items(1));
    const task = await take(queue);
    const other = queue.next(1);
    await vi.advanceTimersByTimeAsync(1000);
    putOff(queue, task, 1000);
    await vi.advanceTimersByTimeAsync(1000);
    expect(await other).toBe(task);
  });

  test('gives nothing to a worker that may not take, until it may', async () => {
    let allowed = 0;
    const queue = createTaskQueue(items(3), (worker) => worker < allowed);
    const rows: (number | null)[] = [];
    const waiting = [0, 1].map(async (worker) => rows.push(await rowOf(queue.next(worker))));
    await vi.advanceTimersByTimeAsync(1000);
    expect(rows).toEqual([]);
    allowed = 1;
    queue.wake();
    await vi.advanceTimersByTimeAsync(1000);
    expect(rows).toEqual([0]);
    allowed = 2;
    queue.wake();
    await Promise.all(waiting);
    expect(rows).toEqual([0, 1]);
  });

  test('ends also for a worker that may not take', async () => {
    const queue = createTaskQueue(items(1), (worker) => worker === 0);
    const parked = queue.next(1);
    const task = await take(queue);
    const last = queue.next(0);
    queue.release(task);
    expect([await parked, await last]).toEqual([null, null]);
  });

  test('leaves a retry to the workers that may take it', async () => {
    const limit = { workers: 2 };
    const queue = createTaskQueue(items(1), (worker) => worker < limit.workers);
    const task = await take(queue);
    putOff(queue, task, 1000);
    const [first, second] = [queue.next(0), queue.next(1)];
    limit.workers = 1;
    queue.wake();
    await vi.advanceTimersByTimeAsync(1000);
    expect(await first).toBe(task);
    queue.release(task);
    expect(await second).toBeNull();
  });

  test('that fails tells everybody who waits', async () => {
    const queue = createTaskQueue(items(1), () => false);
    const waiting = Promise.allSettled([queue.next(0), queue.next(1)]);
    queue.fail(new Error('no room'));
    expect((await waiting).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });

  test('reads nothing new while 256 retries wait', async () => {
    const queue = createTaskQueue(items(300, 300));
    for (let count = 0; count < 256; count++) putOff(queue, await take(queue), 1000);
    const next = rowOf(queue.next(0));
    await vi.advanceTimersByTimeAsync(1000);
    expect(await next).toBe(0);
  });

  test('ends for all who wait when it is stopped, and forgets its retries', async () => {
    const queue = createTaskQueue(items(1));
    putOff(queue, await take(queue), 5000);
    const waiting = Promise.all([queue.next(0), queue.next(0)]);
    queue.stop();
    expect(await waiting).toEqual([null, null]);
    expect(vi.getTimerCount()).toBe(0);
    expect(await queue.next(0)).toBeNull();
  });

  test('is stopped while a read hangs', async () => {
    async function* never(): AsyncGenerator<WorkItem[]> {
      await new Promise(() => {});
      yield [];
    }
    const queue = createTaskQueue(never());
    const waiting = queue.next(0);
    queue.stop();
    expect(await waiting).toBeNull();
  });

  test('tells everybody who waits of a failed read', async () => {
    // oxlint-disable-next-line require-yield -- it fails before its first batch
    async function* failing(): AsyncGenerator<WorkItem[]> {
      throw new Error('the disk is gone');
    }
    const queue = createTaskQueue(failing());
    const outcomes = await Promise.allSettled([queue.next(0), queue.next(0)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });
});

describe('a task that may be to blame', () => {
  const suspicion = { troubles: 2, alone: 0, answersBefore: 0 };

  test('is handed out when nobody has another one, nothing beside it, and no item is lost for it', async () => {
    const queue = createTaskQueue(items(9, 3));
    const [suspect, other] = [await take(queue), await take(queue)];
    putOff(queue, Object.assign(suspect, { suspicion }), 0);
    await vi.advanceTimersByTimeAsync(1);
    const [first, second] = [queue.next(0), queue.next(1)];
    const handed: Task[] = [];
    const rows = (): number[] => handed.map(({ row }) => row);
    void Promise.resolve(first).then((task) => handed.push(task!));
    void Promise.resolve(second).then((task) => handed.push(task!));
    await vi.advanceTimersByTimeAsync(100);
    expect(rows()).toEqual([]);
    queue.release(other);
    await vi.advanceTimersByTimeAsync(100);
    expect([other.row, rows()]).toEqual([1, [0]]);
    queue.release(suspect);
    await vi.advanceTimersByTimeAsync(100);
    expect(rows()).toEqual([0, 2]);
    queue.release(handed[1]!);
    expect(await restOf(queue)).toEqual([3, 4, 5, 6, 7, 8]);
  });

  test('has others beside it where the engine keeps them apart, but no other one that may be to blame', async () => {
    const queue = createTaskQueue(items(9, 3), undefined, { isolates: true });
    const suspects = [await take(queue), await take(queue)];
    for (const suspect of suspects) putOff(queue, Object.assign(suspect, { suspicion }), 0);
    await vi.advanceTimersByTimeAsync(1);
    const handed = [await take(queue), await take(queue), await take(queue)];
    expect(handed.map(({ row }) => row)).toEqual([0, 2, 3]);
    // The next one comes when the first has ended, not when others have.
    queue.release(handed[1]!);
    expect((await take(queue)).row).toBe(4);
    queue.release(handed[0]!);
    expect((await take(queue)).row).toBe(1);
  });
});
