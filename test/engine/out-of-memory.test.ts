import { describe, expect, test } from 'vitest';
import type { Backend } from '../../src/core/backend.ts';
import { failure } from '../../src/core/completion.ts';
import type { RunEvent } from '../../src/core/events.ts';
import { runRequests } from '../../src/engine/run-requests.ts';
import { allIds, idsOf, prepare, settings } from './prepare-run.ts';
import { completion, items, openMock } from './requests.ts';

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

/** An engine that answers, or not, as the number of the request says. */
const failing = async (isOutOfMemory: (number: number) => boolean): Promise<Backend> => {
  let sent = 0;
  return {
    ...(await openMock()),
    generate: async () => (isOutOfMemory(sent++) ? failure('out-of-memory', 'no room') : completion('x')),
  };
};

const workersIn = (events: RunEvent[]): number[] =>
  events.flatMap((event) => (event.type === 'workers-change' ? [event.workers] : []));
const noticesIn = (events: RunEvent[]): string[] =>
  events.flatMap((event) => (event.type === 'notice' ? [event.text] : []));

describe('an engine that runs out of memory', () => {
  test('gets half the workers, once for a burst, and no request is to blame', async () => {
    const { run, lines, events } = prepare(await withRoomFor(2), { lanes: 8, settings: settings({ retries: 0 }) });
    await runRequests(run);
    expect(workersIn(events)).toEqual([4, 2]);
    expect(noticesIn(events)).toEqual([
      'the engine ran out of memory: 4 of 8 workers go on (no room)',
      'the engine ran out of memory: 2 of 4 workers go on (no room)',
    ]);
    expect(idsOf(lines).toSorted()).toEqual(allIds(50).toSorted());
    expect(lines.every(({ error }) => error === null)).toBe(true);
    expect(Math.max(...lines.map(({ llmbatch }) => llmbatch.attempts))).toBeGreaterThan(1);
  });

  test('is left some time before a request goes again', async () => {
    const { run, events } = prepare(await withRoomFor(2), { lanes: 8 });
    await runRequests(run);
    const delays = events.flatMap((event) => (event.type === 'request-retry' ? [event.delayMs] : []));
    expect(delays.length).toBeGreaterThan(0);
    expect(Math.max(...delays)).toBeGreaterThan(0);
  });

  test('three times in a row with one worker ends the run, and leaves the requests to a resume', async () => {
    const { run, lines, events } = prepare(await failing(() => true), { items: items(3), lanes: 1 });
    await expect(runRequests(run)).rejects.toMatchObject({
      kind: 'out-of-memory',
      exitCode: 4,
      hint: expect.stringContaining('smaller context window'),
    });
    expect(lines).toEqual([]);
    expect(events.filter(({ type }) => type === 'request-start')).toHaveLength(3);
  });

  test('now and then with one worker fails the requests it was out of memory for', async () => {
    const backend = await failing((number) => number % 3 < 2);
    const { run, lines } = prepare(backend, { items: items(9), lanes: 1, settings: settings({ retries: 0 }) });
    await runRequests(run);
    const codes = lines.map(({ error }) => error?.code ?? null);
    expect(codes).toEqual(Array(3).fill(['out-of-memory', 'out-of-memory', null]).flat());
  });
});
