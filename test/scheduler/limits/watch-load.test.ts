import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { EngineLoad } from '../../../src/core/measurements.ts';
import { watchLoad } from '../../../src/scheduler/limits/watch-load.ts';
import { openMock } from '../requests.ts';

type Ask = (signal: AbortSignal) => Promise<EngineLoad | null>;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const load = (running: number, waiting: number | null = 0): EngineLoad => ({ running, waiting, kvUsage: null });

/** A watch of an engine with `ours` in flight; `seen.told` is what the run is told, `seen.notices` the user. */
async function open(ask: Ask, state = { ours: 4, isAway: false }, givesWay = false) {
  const seen = { asked: 0, told: [] as (EngineLoad | null)[], notices: [] as string[], events: 0, untold: 0 };
  const mock = await openMock();
  const watch = watchLoad({
    backend: {
      info: { ...mock.info, server: 'http://there' },
      inspection: {
        load(signal) {
          seen.asked++;
          return ask(signal);
        },
      },
    },
    ours: () => state.ours,
    isAway: () => state.isAway,
    givesWay,
    onUntold: () => void seen.untold++,
    onLoad: (told) => void seen.told.push(told),
    emit: () => void seen.events++,
    notify: ({ text }) => void seen.notices.push(text),
  });
  return { seen, state, close: watch.close };
}
const pass = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1000);

test('is asked once a second, only while something is in flight and the engine is there', async () => {
  const { seen, state, close } = await open(async () => load(4));
  await pass(10);
  expect([seen.asked, seen.told.length, seen.events]).toEqual([10, 10, 10]);
  state.ours = 0;
  await pass(10);
  Object.assign(state, { ours: 4, isAway: true });
  await pass(10);
  expect(seen.asked).toBe(10);
  state.isAway = false;
  await pass(1);
  close();
  await pass(10);
  expect(seen.asked).toBe(11);
});

test('is asked once where it does not say', async () => {
  const { seen } = await open(async () => null);
  await pass(60);
  expect([seen.asked, seen.told, seen.untold]).toEqual([1, [null], 1]);
});

test('a run that gives way asks at once and always, is sure with nothing of its own there, and tells of others itself', async () => {
  const { seen, state } = await open(async () => load(2), { ours: 0, isAway: false }, true);
  await pass(0);
  expect(seen.told).toEqual([{ ...load(2), others: 2 }]);
  await pass(3);
  expect(seen.told).toHaveLength(4);
  state.ours = 2;
  await pass(2);
  expect(seen.told.at(-1)).toEqual(load(2));
  expect(seen.notices).toEqual([]);
});

test('is asked one question at a time', async () => {
  const { seen } = await open(() => new Promise(() => {}));
  await pass(30);
  expect([seen.asked, seen.told]).toEqual([1, []]);
});

test('is no longer known where the engine does not answer for a while, and known again when it does', async () => {
  const answer = { load: null as EngineLoad | null };
  const { seen } = await open(async () => answer.load ?? Promise.reject(new Error('broken')));
  await pass(2);
  expect(seen.told).toEqual([]);
  await pass(10);
  expect(seen.told).toEqual([null]);
  answer.load = load(4);
  await pass(1);
  expect(seen.told).toEqual([null, load(4)]);
});

test('shows the requests of others once they have been there for some looks, and tells of them once', async () => {
  let now = load(4, 2);
  const { seen } = await open(async () => now, { ours: 6, isAway: false });
  await pass(3);
  now = load(8, 3);
  await pass(2);
  expect(seen.told.every((told) => told?.others === undefined)).toBe(true);
  await pass(3);
  expect(seen.told.at(-1)).toEqual({ ...load(8, 3), others: 5 });
  expect(seen.notices).toEqual([
    'warning: others use http://there too (5 requests of theirs now): it is shared with them, and so is its prefix cache',
  ]);
  now = load(9, null);
  await pass(3);
  expect(seen.told.at(-1)).toEqual({ ...load(9, null), others: 3 });
  expect(seen.notices).toHaveLength(1);
});
