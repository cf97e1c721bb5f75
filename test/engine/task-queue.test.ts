import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { WorkItem } from '../../src/core/request.ts';
import { type Task, createTaskQueue } from '../../src/engine/task-queue.ts';
import { items } from './requests.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

async function take(queue: ReturnType<typeof createTaskQueue>): Promise<Task> {
  const task = await queue.next();
  if (task === null) throw new Error('no task');
  return task;
}

const rowOf = async (next: Task | null | Promise<Task | null>): Promise<number | null> => (await next)?.row ?? null;

describe('the task queue', () => {
  test('hands out every item once, in order, to however many ask at a time', async () => {
    const queue = createTaskQueue(items(40, 7));
    const rows = await Promise.all(Array.from({ length: 42 }, () => rowOf(queue.next())));
    expect(rows).toEqual([...Array.from({ length: 40 }, (_, row) => row), null, null]);
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
    await queue.next();
    await queue.next();
    expect(read).toBe(1);
    await queue.next();
    expect(read).toBe(2);
  });

  test('hands a retry out when its time has come, before new items', async () => {
    const queue = createTaskQueue(items(3, 3));
    const first = await take(queue);
    queue.retryLater(first, 1000);
    expect(await rowOf(queue.next())).toBe(1);
    await vi.advanceTimersByTimeAsync(1000);
    expect(await queue.next()).toBe(first);
    expect(await rowOf(queue.next())).toBe(2);
    expect(await queue.next()).toBeNull();
  });

  test('does not end while a retry waits', async () => {
    const queue = createTaskQueue(items(1));
    const task = await take(queue);
    queue.retryLater(task, 5000);
    const waiting = Promise.all([queue.next(), queue.next()]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(await waiting).toEqual([task, null]);
  });

  test('reads nothing new while 256 retries wait', async () => {
    const queue = createTaskQueue(items(300, 300));
    for (let count = 0; count < 256; count++) queue.retryLater(await take(queue), 1000);
    const next = rowOf(queue.next());
    await vi.advanceTimersByTimeAsync(1000);
    expect(await next).toBe(0);
  });

  test('ends for all who wait when it is stopped, and forgets its retries', async () => {
    const queue = createTaskQueue(items(1));
    queue.retryLater(await take(queue), 5000);
    const waiting = Promise.all([queue.next(), queue.next()]);
    queue.stop();
    expect(await waiting).toEqual([null, null]);
    expect(vi.getTimerCount()).toBe(0);
    expect(await queue.next()).toBeNull();
  });

  test('is stopped while a read hangs', async () => {
    async function* never(): AsyncGenerator<WorkItem[]> {
      await new Promise(() => {});
      yield [];
    }
    const queue = createTaskQueue(never());
    const waiting = queue.next();
    queue.stop();
    expect(await waiting).toBeNull();
  });

  test('tells everybody who waits of a failed read', async () => {
    // oxlint-disable-next-line require-yield -- it fails before its first batch
    async function* failing(): AsyncGenerator<WorkItem[]> {
      throw new Error('the disk is gone');
    }
    const queue = createTaskQueue(failing());
    const outcomes = await Promise.allSettled([queue.next(), queue.next()]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });
});
