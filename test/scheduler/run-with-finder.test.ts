import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Backend } from '../../src/core/backend.ts';
import { failure } from '../../src/core/completion.ts';
import { type Seen, prepare, runRequests } from './prepare-run.ts';
import { completion, items, openMock } from './requests.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('a run that finds what its server can hold', () => {
  /** Takes 100 ms for an answer, and refuses what comes above `most`. */
  async function holding(most: number) {
    const seen = { held: 0, peak: 0, refused: 0, workers: new Set<number>() };
    const backend: Backend = {
      ...(await openMock()),
      async generate(_request, { worker }) {
        expect(seen.workers).not.toContain(worker);
        seen.workers.add(worker);
        seen.peak = Math.max(seen.peak, ++seen.held);
        const isRefused = seen.held > most;
        if (isRefused) seen.refused++;
        await new Promise((resolve) => void setTimeout(resolve, isRefused ? 5 : 100));
        seen.held--;
        seen.workers.delete(worker);
        return isRefused ? failure('overloaded', 'full') : completion('x');
      },
    };
    return { backend, seen };
  }
  const workersIn = (events: Seen[]): number[] =>
    events.flatMap((event) => (event.type === 'workers-change' ? [event.workers] : []));

  test('begins with few, and ends just below what is too many', async () => {
    const { backend, seen } = await holding(20);
    const { run, lines, events } = prepare(backend, { items: items(4000), maxWorkers: 256, startsWith: 8 });
    const ended = runRequests(run);
    await vi.advanceTimersByTimeAsync(60_000);
    await ended;
    expect(lines.map(({ error }) => error)).toEqual(Array(4000).fill(null));
    expect(workersIn(events).slice(0, 2)).toEqual([16, 32]);
    expect(workersIn(events).at(-1)).toBeGreaterThanOrEqual(18);
    expect(workersIn(events).at(-1)).toBeLessThanOrEqual(20);
    expect(seen.peak).toBe(32);
    expect(seen.refused).toBeLessThan(150);
  });

  test('sends no more than were asked for, and fewer where the server says so', async () => {
    const { backend, seen } = await holding(5);
    const { run, lines } = prepare(backend, { items: items(500), maxWorkers: 10, startsWith: 10 });
    const ended = runRequests(run);
    await vi.advanceTimersByTimeAsync(60_000);
    await ended;
    expect([lines.length, seen.peak]).toEqual([500, 10]);
    expect(seen.refused).toBeLessThan(50);
  });

  /** Takes 100 ms for an answer, and is away for a second from each of these requests on. */
  async function leavingAt(numbers: readonly number[]): Promise<Backend> {
    let sent = 0;
    let isUp = true;
    return {
      ...(await openMock()),
      async generate() {
        if (numbers.includes(++sent)) isUp = false;
        await new Promise((resolve) => void setTimeout(resolve, 100));
        return isUp ? completion('x') : failure('connection', 'connection refused');
      },
      supervision: {
        async recover() {
          await new Promise((resolve) => void setTimeout(resolve, 1000));
          isUp = true;
          return 'away';
        },
      },
    };
  }

  test.each([
    { text: 'keeps its workers after an outage', numbers: [100], workers: [] },
    { text: 'has fewer after one that follows soon after another', numbers: [100, 120], workers: [2] },
  ])('$text', async ({ numbers, workers }) => {
    const { run, lines, events } = prepare(await leavingAt(numbers), {
      items: items(150),
      maxWorkers: 3,
      startsWith: 3,
    });
    const ended = runRequests(run);
    await vi.advanceTimersByTimeAsync(60_000);
    await ended;
    expect(lines.map(({ error }) => error)).toEqual(Array(150).fill(null));
    expect(workersIn(events).slice(0, 1)).toEqual(workers);
  });
});
