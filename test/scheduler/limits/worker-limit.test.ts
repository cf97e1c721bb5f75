import { expect, test } from 'vitest';
import { createWorkerLimit } from '../../../src/scheduler/limits/worker-limit.ts';

function open(workers: number) {
  const changes: number[] = [];
  const limit = createWorkerLimit(workers, (allowed) => void changes.push(allowed));
  return {
    limit,
    changes,
    allowed: () => Array.from({ length: workers }, (_, worker) => limit.allows(worker)).lastIndexOf(true) + 1,
  };
}

test('the workers are halved down to one, the last workers first', () => {
  const { limit, changes, allowed } = open(8);
  expect(allowed()).toBe(8);
  const steps = [1, 2, 3, 4].map(() => [limit.lower('out-of-memory'), limit.workers(), allowed(), limit.lowerings()]);
  expect(steps).toEqual([
    [true, 4, 4, 1],
    [true, 2, 2, 2],
    [true, 1, 1, 3],
    [false, 1, 1, 3],
  ]);
  expect(changes).toEqual([4, 2, 1]);
});

test('the server can hold more or fewer, but memory sets the most', () => {
  const { limit, changes } = open(8);
  limit.set(3);
  limit.set(8);
  limit.lower('out-of-memory');
  limit.set(8);
  limit.set(2);
  limit.pause();
  limit.set(3);
  limit.resume();
  expect(changes).toEqual([3, 8, 4, 2, 0, 3]);
  expect(limit.lowerings()).toBe(1);
});

test('each cause has a limit of its own, and the lowest counts', () => {
  const { limit, changes } = open(8);
  limit.lower('vram');
  limit.lower('out-of-memory');
  limit.cap('out-of-memory', 6);
  limit.cap('vram', Infinity);
  limit.cap('out-of-memory', Infinity);
  expect(changes).toEqual([4, 2, 4, 6, 8]);
  expect(limit.lowerings()).toBe(2);
});

test('a pause lets no worker work, and ends with the workers that are left', () => {
  const { limit, changes, allowed } = open(5);
  limit.pause();
  limit.pause();
  expect(allowed()).toBe(0);
  limit.lower('out-of-memory');
  expect([allowed(), limit.workers()]).toEqual([0, 2]);
  limit.resume();
  limit.resume();
  expect(allowed()).toBe(2);
  expect(changes).toEqual([0, 2]);
});
