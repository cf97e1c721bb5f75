import { describe, expect, test } from 'vitest';
import type { EngineLoad } from '../../../src/core/measurements.ts';
import { createLimitFinder } from '../../../src/scheduler/limits/find-limit.ts';
import { completion } from '../requests.ts';
import { type SimulatedServer, type Simulation, simulate } from '../simulate.ts';
import { around, queueing, refusing, seeded, slotLoad } from '../simulated-servers.ts';

const bold = { start: 32, most: 512 };

describe('a server that says what runs and what waits', () => {
  test.each([4, 20, 32, 100, 200, 400])(
    'is given what its %i slots hold and a little more, in a few steps',
    (slots) => {
      for (const serviceMs of [200, 2000, 20_000]) {
        const requests = Math.min(12_000, Math.round((slots * 120_000) / serviceMs) + 2000);
        const server = queueing(slots, around(serviceMs, seeded(1)));
        const { lateRate, held, limits } = simulate(server, { ...bold, requests, load: slotLoad(slots) });
        expect(lateRate / ((slots * 1000) / serviceMs)).toBeGreaterThan(0.94);
        expect(held / slots).toBeLessThan(1.6);
        expect(limits.at(-1)).toBe(slots + Math.max(2, Math.ceil(slots / 8)));
        expect(limits.length).toBeLessThanOrEqual(6);
      }
    },
  );

  test('and that takes any number is given the most within seconds', () => {
    const sent: number[] = [];
    const server: SimulatedServer = (now) => {
      sent.push(now);
      return { endsAt: now + 60_000 };
    };
    const load = (_now: number, held: number): EngineLoad => ({ running: held, waiting: 0, kvUsage: null });
    simulate(server, { ...bold, requests: 2000, load });
    expect(sent[511]).toBeLessThanOrEqual(4000);
  });

  test.each([
    ['others wait there too', slotLoad(20, 40)],
    [
      'it does not say what waits',
      (_now: number, held: number) => ({ running: Math.min(held, 4), waiting: null, kvUsage: null }),
    ],
    ['it works on few of those that it has', () => ({ running: 1, waiting: 0, kvUsage: null })],
    ['its KV cache is full', (_now: number, held: number) => ({ running: held, waiting: 0, kvUsage: 0.95 })],
  ] as const)('is never flooded nor starved for it: %s', (_case, load) => {
    const run = (simulation: Simulation) => simulate(queueing(32, around(500, seeded(2))), { ...bold, ...simulation });
    const { lateRate, peak } = run({ load });
    expect(lateRate / 64).toBeGreaterThan(0.95);
    expect(peak).toBeLessThanOrEqual(run({}).peak);
  });

  test('is tried out again once it says it no more', () => {
    const load = (now: number, held: number) => (now < 30_000 ? slotLoad(8)(now, held) : null);
    const growing: SimulatedServer = (now, held) =>
      queueing(now < 30_000 ? 8 : held, around(500, seeded(3)))(now, held);
    const { limits } = simulate(growing, { ...bold, load, requests: 5000 });
    expect(limits).toContain(10);
    expect(limits.at(-1)).toBeGreaterThan(20);
  });

  test('but pushes back at fewer is believed in that', () => {
    const load = (_now: number, held: number): EngineLoad => ({ running: held, waiting: 0, kvUsage: null });
    const { lateRate, rejected } = simulate(refusing(50, 'rate-limited', around(500, seeded(4))), { ...bold, load });
    expect(lateRate / 100).toBeGreaterThan(0.94);
    expect(rejected).toBeLessThan(0.03);
  });
});

describe('the limit', () => {
  function open(start = 32, max = 512) {
    const limits: number[] = [];
    const finder = createLimitFinder({ start, max, onChange: (limit) => void limits.push(limit), now: () => 0 });
    return { finder, limits };
  }
  const load = (running: number, waiting: number | null): EngineLoad => ({ running, waiting, kvUsage: null });

  test('stays where a queue is long for a moment, and where there is too little to send', () => {
    const { finder, limits } = open();
    for (let second = 0; second < 4; second++) finder.onLoad(load(8, 24), 32);
    finder.onLoad(load(28, 4), 32);
    for (let second = 0; second < 4; second++) finder.onLoad(load(8, 24), 32);
    for (let second = 0; second < 9; second++) finder.onLoad(load(20, 0), 20);
    expect(limits).toEqual([]);
  });

  test('that was asked for stays as it is, whatever the load', () => {
    const { finder, limits } = open(64, 64);
    for (let second = 0; second < 9; second++) finder.onLoad(load(4, 60), 64);
    expect(limits).toEqual([]);
  });

  test('is not changed by answers while the load says what is right', () => {
    const { finder, limits } = open();
    finder.onLoad(load(28, 4), 32);
    for (let time = 0; time < 1000; time++) finder.onAnswer(completion('x'), 10, 32);
    expect([limits, finder.found()]).toEqual([[], 32]);
  });
});
