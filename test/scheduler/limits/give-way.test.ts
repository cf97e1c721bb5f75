import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createGiveWay } from '../../../src/scheduler/limits/give-way.ts';
import { openMock } from '../requests.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

async function open({ server = 'http://there', slots = null }: { server?: string | null; slots?: number | null } = {}) {
  const mock = await openMock();
  const { server: _, ...info } = mock.info;
  const seen = { told: [] as string[], details: [] as string[], states: [] as boolean[], rooms: 0 };
  const giveWay = createGiveWay({
    backend: { info: server === null ? info : { ...info, server }, limits: { ...mock.limits, slots } },
    maxWorkers: 4,
    emit: (event) => event.type === 'give-way' && seen.states.push(event.isOn),
    notify: ({ text, isDetail = false }) => (isDetail ? seen.details : seen.told).push(text),
    onRoom: () => void seen.rooms++,
  });
  /** As many looks, a second apart, as numbers are given: requests of others. */
  const look = (...others: number[]): void => {
    for (const some of others) {
      vi.advanceTimersByTime(1000);
      giveWay.onLoad({ running: 4, waiting: 0, kvUsage: null, ...(some > 0 && { others: some }) });
    }
  };
  return { giveWay, seen, look };
}

test('nothing is sent before the first look, nor while others are there, nor for five free looks behind them', async () => {
  const { giveWay, seen, look } = await open();
  expect(giveWay.isOn()).toBe(true);
  look(0);
  expect([giveWay.isOn(), seen.rooms]).toEqual([false, 1]);
  look(1, 0, 0, 0, 0, 2, 0, 0, 0, 0);
  expect([giveWay.isOn(), seen.states]).toEqual([true, [true]]);
  look(0);
  expect([giveWay.isOn(), seen.states, seen.rooms]).toEqual([false, [true, false], 2]);
  expect(seen.told).toEqual([
    'others use http://there (1 request of theirs): no new requests are sent until it has been free for 5 seconds',
    'http://there is free again: the run continues, and gives way again when others use the server',
  ]);
  look(1, 0, 0, 0, 0, 0);
  expect([seen.told.length, seen.details.length]).toEqual([2, 2]);
});

test('others that go on and on are told of ever more rarely', async () => {
  const { giveWay, seen, look } = await open();
  look(...Array<number>(3700).fill(1));
  expect(giveWay.isOn()).toBe(true);
  expect(seen.told.slice(1)).toEqual([
    expect.stringMatching(/for 10m .*llmbatch resume --no-background$/),
    expect.stringContaining('for 20m'),
    expect.stringContaining('for 40m'),
  ]);
});

test('goes on where the server does not say any more, and where it never does', async () => {
  const { giveWay, seen, look } = await open();
  look(1);
  giveWay.onLoad(null);
  expect([giveWay.isOn(), seen.states]).toEqual([false, [true, false]]);
  const silent = await open();
  silent.giveWay.noteUntold();
  expect(silent.giveWay.isOn()).toBe(false);
  expect(silent.seen).toMatchObject({ rooms: 1, told: [expect.stringContaining('does not report')] });
  const own = await open({ server: null });
  own.giveWay.noteUntold();
  expect(own.seen.told).toEqual([expect.stringContaining('belongs to this run')]);
});

test('says that others can not be seen where our own requests take every slot', async () => {
  for (const [slots, count] of [
    [4, 1],
    [5, 0],
    [null, 0],
  ] as const) {
    const { giveWay, seen } = await open({ slots });
    giveWay.onLoad({ running: 0, waiting: null, kvUsage: null });
    expect(seen.told).toHaveLength(count);
  }
});
