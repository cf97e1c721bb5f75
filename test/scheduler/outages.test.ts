import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Backend, Supervision } from '../../src/core/backend.ts';
import { failure } from '../../src/core/completion.ts';
import { type ErrorKind, EngineError } from '../../src/core/errors.ts';
import { createOutages } from '../../src/scheduler/outages.ts';
import { type Seen, allIds, idsOf, prepare, recordIn, settings, runRequests } from './prepare-run.ts';
import { completion, items, openMock } from './requests.ts';

type Recover = NonNullable<Supervision['recover']>;

/** An engine that goes away when the request with this id comes, until `recover` says that it is back. */
async function leavingAt(id: string, wait: Recover) {
  const seen = { recovers: 0, now: 0, most: 0, sentMeanwhile: 0 };
  let isUp = true;
  let hasLeft = false;
  const backend: Backend = {
    ...(await openMock()),
    async generate(request) {
      seen.sentMeanwhile += seen.now;
      if (request.id === id && !hasLeft) {
        isUp = false;
        hasLeft = true;
      }
      await turn();
      return isUp ? completion('x') : failure('connection', 'connection refused');
    },
    supervision: {
      async recover(failed, signal) {
        seen.recovers++;
        seen.most = Math.max(seen.most, ++seen.now);
        const wasAway = await wait(failed, signal).finally(() => seen.now--);
        isUp = true;
        return wasAway;
      },
    },
  };
  return { backend, seen };
}

/** An engine whose every request fails in this way. */
const failingWith = async (kind: ErrorKind, recover: Recover): Promise<Backend> => ({
  ...(await openMock()),
  supervision: { recover },
  generate: async () => failure(kind, 'no'),
});

const untilStopped: Recover = (_failure, signal) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

async function manyTurns(): Promise<'away'> {
  for (let count = 0; count < 50; count++) await turn();
  return 'away';
}

describe('an engine that was away', () => {
  test('is waited for by all workers at once, sent nothing meanwhile, and no request is to blame', async () => {
    const { backend, seen } = await leavingAt('r10', manyTurns);
    const isAway = (): boolean => seen.now === 1;
    const generate: Backend['generate'] = async (request, context) => {
      // One of those in flight is answered meanwhile, so that its worker is free; another one fails after the end.
      if (request.id === 'r9') return until(isAway).then(() => completion('x'));
      if (request.id !== 'r8' || seen.recovers > 0) return backend.generate(request, context);
      await until(isAway);
      await until(() => !isAway());
      return failure('connection', 'connection reset');
    };
    const { run, lines } = prepare({ ...backend, generate }, { settings: settings({ retries: 0 }) });
    await runRequests(run);
    expect(seen).toEqual({ recovers: 1, now: 0, most: 1, sentMeanwhile: 0 });
    expect(idsOf(lines).toSorted()).toEqual(allIds(50).toSorted());
    expect(lines.every(({ error }) => error === null)).toBe(true);
    expect(lines.some(({ llmbatch }) => llmbatch.attempts === 2)).toBe(true);
  });

  test('longer than a stall may last is no stall', async () => {
    let restarts = 0;
    const { backend } = await leavingAt('r10', () => sleep(400, 'away' as const));
    const { run, lines, events } = prepare(
      { ...backend, supervision: { ...backend.supervision, restart: async () => void restarts++ } },
      { settings: settings({ stallTimeoutMs: 50 }) },
    );
    await runRequests(run);
    expect([lines.length, restarts]).toEqual([50, 0]);
    expect(JSON.stringify(events)).not.toContain('nothing came from the engine');
  });

  test.each(['connection', 'overloaded', 'engine-crashed'] as const)('is asked about after %s', async (kind) => {
    let isUp = false;
    const backend: Backend = {
      ...(await openMock()),
      supervision: {
        async recover() {
          isUp = true;
          return 'away';
        },
      },
      generate: async () => (isUp ? completion('x') : failure(kind, 'no')),
    };
    const { run, lines } = prepare(backend, { settings: settings({ retries: 0 }) });
    await runRequests(run);
    expect(lines.map(({ error }) => error)).toEqual(Array(50).fill(null));
  });

  test('takes with it what gave no sign of life, and nothing else, however long that would have waited', async () => {
    let isUp = true;
    let alive = (): void => {};
    const backend: Backend = {
      ...(await openMock()),
      supervision: {
        recover: async () => {
          await manyTurns();
          alive();
          isUp = true;
          return 'gone';
        },
      },
      async generate({ id }, { signal, onActivity }) {
        if (!isUp) return failure('connection', 'connection refused');
        if (id !== 'r0' && id !== 'r1' && id !== 'r2') return completion('x');
        if (sent.has(id)) return completion('again');
        sent.add(id);
        // r1 has an answer on its way, from a server that finishes what it has; of r0 nobody will ever hear.
        if (id === 'r1') alive = onActivity;
        if (id === 'r2') isUp = false;
        if (id === 'r2') return failure('connection', 'connection reset');
        return new Promise((resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
          if (id === 'r1')
            void manyTurns()
              .then(manyTurns)
              .then(manyTurns)
              .then(() => resolve(completion('first')));
        });
      },
    };
    const sent = new Set<string>();
    const hour = settings({ stallTimeoutMs: 3_600_000, retries: 0 });
    const { run, lines } = prepare(backend, { settings: hour, items: items(20) });
    await runRequests(run);
    const textOf = (id: string) =>
      lines.find(({ custom_id }) => custom_id === id)?.response?.body?.choices?.[0]?.message?.content;
    expect(lines.map(({ error }) => error)).toEqual(Array(20).fill(null));
    expect([textOf('r0'), textOf('r1'), textOf('r2')]).toEqual(['again', 'first', 'again']);
  });
});

describe('an engine that was not away', () => {
  test('leaves the request its retries', async () => {
    let recovers = 0;
    const backend = await failingWith('connection', async () => {
      recovers++;
      return 'here';
    });
    const { run, lines } = prepare(backend, { items: items(3), settings: settings({ retries: 1 }) });
    await runRequests(run);
    const expected = Array(3).fill(['connection', 2]);
    expect(lines.map(({ error, llmbatch }) => [error?.code, llmbatch.attempts])).toEqual(expected);
    expect(recovers).toBeGreaterThan(0);
  });

  test.each(['timeout', 'server-error', 'bad-request'] as const)('is not asked about after %s', async (kind) => {
    const recover = vi.fn<Recover>();
    const backend = await failingWith(kind, recover);
    const { run, lines } = prepare(backend, { items: items(3), settings: settings({ retries: 0 }) });
    await runRequests(run);
    expect([lines.length, recover.mock.calls]).toEqual([3, []]);
  });
});

describe('a run whose engine is away', () => {
  test('ends with what its backend says of a hopeless wait, and the requests are left to a resume', async () => {
    const backend = await failingWith('connection', async () => {
      throw new EngineError('unusable', 'the model is gone', 'Pull it.');
    });
    const { run, lines } = prepare(backend);
    await expect(runRequests(run)).rejects.toMatchObject({
      message: 'the model is gone',
      exitCode: 4,
      hint: 'Pull it.',
    });
    expect(lines).toEqual([]);
  });

  test.each(['stop', 'abort'] as const)('ends at once by its %s signal', async (which) => {
    const backend = await failingWith('connection', (failed, signal) => {
      setImmediate(() => watched[which].abort());
      return untilStopped(failed, signal);
    });
    const watched = prepare(backend);
    await runRequests(watched.run);
    expect(watched.lines).toEqual([]);
  });

  test('ends by its stop signal though the question about the engine hears nothing', async () => {
    const backend = await failingWith('connection', () => {
      setImmediate(() => watched.stop.abort());
      return new Promise(() => {});
    });
    const watched = prepare(backend);
    await runRequests(watched.run);
    expect(watched.lines).toEqual([]);
  });

  test('ends at once by an error of another worker', async () => {
    const backend: Backend = {
      ...(await openMock()),
      supervision: { recover: untilStopped },
      generate: async ({ id }) => {
        if (id === 'r0') return failure('connection', 'no');
        await manyTurns();
        return failure('unauthorized', 'wrong key');
      },
    };
    await expect(runRequests(prepare(backend, { maxWorkers: 2 }).run)).rejects.toThrow('wrong key');
  });
});

describe('an outage', () => {
  afterEach(() => void vi.useRealTimers());

  async function lasting(durationMs: number): Promise<Seen[]> {
    vi.useFakeTimers();
    const events: Seen[] = [];
    const backend: Backend = {
      ...(await openMock()),
      supervision: { recover: () => new Promise((resolve) => void setTimeout(() => resolve('away'), durationMs)) },
    };
    const outages = createOutages(backend, {
      ...recordIn(events),
      onState: () => {},
      onEnd: () => {},
      onLoss: () => {},
    });
    const settled = outages.settle(failure('connection', 'connection refused'), 0);
    await vi.advanceTimersByTimeAsync(durationMs);
    expect([await settled, outages.isOn(), outages.ended(), vi.getTimerCount()]).toEqual(['away', false, 1, 0]);
    return events;
  }

  test('is said when it lasts, and so is its end', async () => {
    expect(await lasting(65_000)).toEqual([
      { type: 'notice', text: 'the engine does not answer (connection refused): waiting until it does' },
      { type: 'engine-outage' },
      { type: 'notice', text: 'the engine is back after 1m 05s: what failed meanwhile is sent again' },
    ]);
  });

  test('of one process among several is told as such, and no request is to blame', async () => {
    const events: Seen[] = [];
    const backend = { ...(await openMock()), supervision: { recover: async () => 'partly' as const } };
    const listeners = { ...recordIn(events), onState: () => {}, onEnd: () => {}, onLoss: () => {} };
    const outages = createOutages(backend, listeners);
    expect(await outages.settle(failure('engine-crashed', 'It died.'), 0)).toBe('away');
    expect(await outages.settle(failure('engine-crashed', 'It died.'), 0)).toBe('away');
    expect(events).toEqual([
      { type: 'notice', text: 'the other engines continue, and the lost requests are sent again' },
    ]);
  });

  test('that is over at once has only its end said', async () => {
    expect(await lasting(500)).toMatchObject([
      { type: 'engine-outage' },
      { text: expect.stringContaining('back after 500 ms') },
    ]);
  });
});
