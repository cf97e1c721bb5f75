import { describe, expect, test } from 'vitest';
import type { Backend } from '../../src/core/backend.ts';
import { type Answer, failure } from '../../src/core/completion.ts';
import { EngineError } from '../../src/core/errors.ts';
import type { BatchRequest } from '../../src/core/request.ts';
import type { Partition } from '../../src/scheduler/queue/partitions.ts';
import { type SchedulerEngine, createScheduler } from '../../src/scheduler/scheduler.ts';
import { allIds, idsOf, prepare } from './prepare-run.ts';
import { completion, items, openMock } from './requests.ts';

const hold = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

/** An engine that answers as it is told. */
async function engineOf(
  answer: (request: BatchRequest) => Answer | Promise<Answer>,
  changes: Partial<Backend> = {},
): Promise<Backend> {
  return {
    ...(await openMock()),
    generate: async (request, { signal }) => {
      const aborted = new Promise<never>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
      return Promise.race([answer(request), aborted]);
    },
    ...changes,
  };
}

const quick = (ms: number) => async (): Promise<Answer> => {
  await hold(ms);
  return completion('ok');
};

/** Runs requests on several engines, called a, b, and so on; null: it can't be opened. */
async function runOn(
  backends: (Backend | null)[],
  { count = 60, partitions }: { count?: number; partitions?: Partition[] } = {},
) {
  const { run, lines, events } = prepare(await openMock());
  const { backend: _backend, maxWorkers: _max, startsWith: _starts, items: _items, ...options } = run;
  const engines = backends.map(async (backend, index): Promise<SchedulerEngine | null> => {
    const name = 'abc'[index]!;
    return backend && { backend, maxWorkers: 2, startsWith: null, name };
  });
  const all = partitions ?? [{ size: count, items: items(count) }];
  const ended = createScheduler({ ...options, engines, partitions: all }).run();
  const error = await ended.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  const share = (name: string): number => lines.filter(({ llmbatch }) => llmbatch?.server === name).length;
  const notices = events.flatMap((event) => (event.type === 'notice' ? [event.text] : []));
  return { lines, events, error, share, notices };
}

const idsSorted = (lines: Parameters<typeof idsOf>[0]): string[] => idsOf(lines).toSorted();

describe('several engines', () => {
  test('share the requests, by how fast they are, and each result names its own', async () => {
    const { lines, share, error } = await runOn([await engineOf(quick(1)), await engineOf(quick(10))]);
    expect(error).toBeNull();
    expect(idsSorted(lines)).toEqual(allIds(60).toSorted());
    expect(share('a') + share('b')).toBe(60);
    expect(share('a')).toBeGreaterThan(share('b'));
    expect(share('b')).toBeGreaterThan(0);
  });

  test('of which one refuses the key go on without it, and it is told once', async () => {
    const refused = await engineOf(() => failure('unauthorized', 'No such key.'));
    const { lines, share, error, notices } = await runOn([refused, await engineOf(quick(1))]);
    expect([error, share('a'), share('b')]).toEqual([null, 0, 60]);
    expect(idsSorted(lines)).toEqual(allIds(60).toSorted());
    expect(lines.every(({ error: failed }) => failed === null)).toBe(true);
    expect(notices.filter((text) => text.includes('left out'))).toEqual([
      'a: left out (No such key.): the others go on, and it is not asked again in this run.',
    ]);
  });

  test('end the run with the error of the last one, when none is left', async () => {
    const refused = (): Promise<Backend> => engineOf(() => failure('unauthorized', 'No such key.'));
    const { error, lines } = await runOn([await refused(), await refused()]);
    expect(error).toBeInstanceOf(EngineError);
    expect(lines).toEqual([]);
  });

  test('take over what one had when it went away, and take it back when it is there again', async () => {
    const state = { isAway: false, asked: 0 };
    const mortal = await engineOf(
      async () => {
        if (++state.asked === 5) state.isAway = true;
        await hold(2);
        return state.isAway ? failure('connection', 'Nothing listens.') : completion('ok');
      },
      {
        supervision: {
          async recover() {
            await hold(60);
            state.isAway = false;
            return 'gone';
          },
        },
      },
    );
    const { lines, share, error } = await runOn([mortal, await engineOf(quick(4))], { count: 120 });
    expect(error).toBeNull();
    expect(idsSorted(lines)).toEqual(allIds(120).toSorted());
    expect(lines.every(({ error: failed }) => failed === null)).toBe(true);
    expect(share('a')).toBeGreaterThan(10);
  });

  test('try on each other what one fails, before it is a failure', async () => {
    const sick = await engineOf(() => failure('server-error', 'Internal error.'));
    const { lines, error, share } = await runOn([sick, await engineOf(quick(1))]);
    expect([error, share('b')]).toEqual([null, 60]);
    expect(lines.every(({ error: failed }) => failed === null)).toBe(true);
  });

  test('do not wait at the end for one that hangs', async () => {
    const state = { asked: 0 };
    const hanging = await engineOf(async () => {
      if (++state.asked > 4) await new Promise(() => {});
      return completion('ok');
    });
    const { lines, error, share } = await runOn([hanging, await engineOf(quick(1))]);
    expect(error).toBeNull();
    expect(idsSorted(lines)).toEqual(allIds(60).toSorted());
    expect(share('a')).toBe(4);
  }, 15_000);

  test('begin without one that can not be opened', async () => {
    const { share, error } = await runOn([null, await engineOf(quick(1))]);
    expect([error, share('b')]).toEqual([null, 60]);
  });

  test('stay each on its partition while there are enough', async () => {
    const partitions: Partition[] = [0, 1].map((half) => ({
      size: 40,
      items: (async function* () {
        for await (const batch of items(80)) {
          const own = batch.filter(({ row }) => (half === 0 ? row < 40 : row >= 40));
          if (own.length > 0) yield own;
        }
      })(),
    }));
    const { lines } = await runOn([await engineOf(quick(2)), await engineOf(quick(2))], { partitions });
    expect(idsSorted(lines)).toEqual(allIds(80).toSorted());
    const firstOf = (name: string) => lines.find(({ llmbatch }) => llmbatch?.server === name)?.custom_id;
    expect(new Set([firstOf('a'), firstOf('b')])).toEqual(new Set(['r0', 'r40']));
  });
});
