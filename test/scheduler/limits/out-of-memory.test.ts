import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Backend } from '../../../src/core/backend.ts';
import { failure } from '../../../src/core/completion.ts';
import { createOutOfMemory } from '../../../src/scheduler/limits/out-of-memory.ts';
import { createWorkerLimit } from '../../../src/scheduler/limits/worker-limit.ts';
import { type Seen, allIds, idsOf, prepare, recordIn, settings, runRequests } from '../prepare-run.ts';
import { chat, completion, items, openMock } from '../requests.ts';

/** An engine with memory for so many requests at a time. */
async function withRoomFor(most: number): Promise<Backend> {
  const backend = await openMock({ latency_ms: 5 });
  let now = 0;
  return {
    ...backend,
    async generate(request, context) {
      now++;
      try {
        return now > most ? failure('out-of-memory', 'no room') : await backend.generate(request, context);
      } finally {
        now--;
      }
    },
  };
}

/** An engine that has no memory for some requests, whatever else it has. */
async function withoutRoomFor(isTooLarge: (id: string) => boolean) {
  const sent = new Map<string, number>();
  const backend: Backend = {
    ...(await openMock()),
    async generate({ id }) {
      sent.set(id, (sent.get(id) ?? 0) + 1);
      await turn();
      return isTooLarge(id) ? failure('out-of-memory', 'no room') : completion('x');
    },
  };
  return { backend, sent };
}

const workersIn = (events: Seen[]): number[] =>
  events.flatMap((event) => (event.type === 'workers-change' ? [event.workers] : []));
const noticesIn = (events: Seen[]): string[] =>
  events.flatMap((event) => (event.type === 'notice' ? [event.text] : []));

describe('an engine that runs out of memory', () => {
  test('gets half the workers, once for a burst, and no request is to blame', async () => {
    const { run, lines, events } = prepare(await withRoomFor(2), { maxWorkers: 8, settings: settings({ retries: 0 }) });
    await runRequests(run);
    expect(workersIn(events)[0]).toBe(4);
    expect(noticesIn(events)[0]).toMatch(
      /^the engine ran out of memory, first for the request "r\d+" \(line 1\): 4 of 8 workers continue \(no room\)$/,
    );
    expect(idsOf(lines).toSorted()).toEqual(allIds(50).toSorted());
    expect(lines.every(({ error }) => error === null)).toBe(true);
    expect(Math.max(...lines.map(({ llmbatch }) => llmbatch.attempts))).toBeGreaterThan(1);
  });

  test('is left some time before a request goes again', async () => {
    const { run, events } = prepare(await withRoomFor(2), { maxWorkers: 8 });
    await runRequests(run);
    const delays = events.flatMap((event) => (event.type === 'request-retry' ? [event.delayMs] : []));
    expect(delays.length).toBeGreaterThan(0);
    expect(Math.max(...delays)).toBeGreaterThan(0);
  });

  test('for all that it is sent ends the run, and leaves the requests to a resume', async () => {
    const { backend } = await withoutRoomFor(() => true);
    const { run, lines } = prepare(backend, { maxWorkers: 2, settings: settings({ retries: 0 }) });
    await expect(runRequests(run)).rejects.toMatchObject({
      kind: 'out-of-memory',
      exitCode: 4,
      hint: expect.stringContaining('smaller context window'),
      message: expect.stringMatching(/for 5 requests one after the other.*the last was the request "r\d+"/),
    });
    expect(lines).toHaveLength(4);
    expect(new Set(lines.map(({ error }) => error?.code))).toEqual(new Set(['out-of-memory']));
  });
});

describe('a request that runs out of memory alone', () => {
  test.each([1, 2, 8])('fails alone among others, and takes no workers with it (%s workers)', async (workers) => {
    const { backend, sent } = await withoutRoomFor((id) => id === 'r7');
    const { run, lines, events } = prepare(backend, { maxWorkers: workers, settings: settings({ retries: 0 }) });
    await runRequests(run);
    const failed = lines.filter(({ error }) => error !== null);
    expect(lines).toHaveLength(50);
    expect(failed).toMatchObject([{ custom_id: 'r7', error: { code: 'out-of-memory' } }]);
    expect(failed[0]?.error?.message).toBe(
      'The engine ran out of memory for this request, which was alone in it. no room',
    );
    expect(sent.get('r7')).toBe(3);
    expect(workersIn(events)).toEqual(workers === 1 ? [] : [workers / 2, workers]);
  });

  test.each([
    ['the last one', 50, ['r49']],
    ['the only one', 1, ['r0']],
    ['several at the end', 50, ['r45', 'r46', 'r47', 'r48', 'r49', 'r44', 'r43']],
  ])('is recorded where it is %s: the run ends well', async (_which, count, large) => {
    const { backend } = await withoutRoomFor((id) => large.includes(id));
    const { run, lines } = prepare(backend, { items: items(count), settings: settings({ retries: 0 }) });
    await runRequests(run);
    const failed = lines.filter(({ error }) => error !== null).map(({ custom_id }) => custom_id);
    expect(failed.toSorted()).toEqual(large.toSorted());
    expect(lines).toHaveLength(count);
  });
});

describe('workers that memory took', () => {
  function open(most: number) {
    const events: Seen[] = [];
    const limit = createWorkerLimit(8, () => {});
    const memory = createOutOfMemory(limit, recordIn(events).notify);
    const answer = (count: number): void => {
      for (let index = 0; index < count; index++) memory.onAnswer();
    };
    const fail = (): void => memory.lower(chat('a'), failure('out-of-memory', 'no room'));
    /** What the workers are after each 64 answers, with an engine that bears so many. */
    const after = (rounds: number): number[] =>
      Array.from({ length: rounds }, () => {
        answer(64);
        if (limit.workers() > most) fail();
        return limit.workers();
      });
    return { limit, after, fail, events };
  }

  test('come back one by one while all goes well', () => {
    const { fail, after, limit } = open(8);
    fail();
    expect([limit.workers(), after(6)]).toEqual([4, [5, 6, 7, 8, 8, 8]]);
  });

  test('go again where that was too early, one and not half of them, and are tried ever later', () => {
    const { fail, after, events } = open(5);
    fail();
    expect(after(9)).toEqual([5, 5, 5, 5, 5, 5, 5, 5, 5]);
    expect(events.length).toBeLessThan(5);
  });
});
