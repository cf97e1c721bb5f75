import { describe, expect, test } from 'vitest';
import { type Answer, failure } from '../../../src/core/completion.ts';
import { createLimitFinder } from '../../../src/scheduler/limits/find-limit.ts';
import { completion } from '../requests.ts';
import { type Simulated, type SimulatedServer, type Simulation, simulate } from '../simulate.ts';
import {
  around,
  batching,
  faulty,
  heavyTailed,
  heavyTailedMeanMs,
  queueing,
  rateLimited,
  refusing,
  seeded,
} from '../simulated-servers.ts';

type Random = () => number;

/** The same server four times, each with other chances. */
const runs = (server: (random: Random) => SimulatedServer, simulation?: Simulation): Simulated[] =>
  [1, 2, 3, 4].map((seed) => simulate(server(seeded(seed)), simulation));

const least = (values: number[]): number => Math.min(...values);
const most = (values: number[]): number => Math.max(...values);
const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('a server that works on so many at a time, and queues the others', () => {
  // Doubling from 8 takes a few answers' time, which 5,000 requests of 200 at a time are only 25 of.
  test.each([
    { slots: 4, overall: 0.95 },
    { slots: 20, overall: 0.95 },
    { slots: 32, overall: 0.95 },
    { slots: 100, overall: 0.9 },
    { slots: 200, overall: 0.78 },
  ])('is kept busy with $slots, and little more', ({ slots, overall }) => {
    const best = slots / 0.5;
    for (const service of [() => () => 500, (random: Random) => around(500, random)]) {
      const found = runs((random) => queueing(slots, service(random)));
      expect(least(found.map(({ rate }) => rate / best))).toBeGreaterThan(overall);
      expect(least(found.map(({ lateRate }) => lateRate / best))).toBeGreaterThan(0.97);
      expect(most(found.map(({ held }) => held / slots))).toBeLessThan(2.2);
      expect(most(found.map(({ peak }) => peak / slots))).toBeLessThanOrEqual(4);
    }
  });

  test.each([4, 20, 100])('is kept busy with %i when an answer takes a hundred times longer than another', (slots) => {
    const best = (slots / heavyTailedMeanMs) * 1000;
    const found = runs((random) => queueing(slots, heavyTailed(random)), { requests: 20_000 });
    expect(least(found.map(({ rate }) => rate / best))).toBeGreaterThan(0.9);
    expect(mean(found.map(({ held }) => held / slots))).toBeLessThan(4);
  });
});

describe('a server that does the more at once the more there is, each a little slower', () => {
  test.each([20, 64, 256])('gets what is worth it (half of the most at %i)', (half) => {
    const best = 256 / (0.5 * (1 + 256 / half));
    const found = runs((random) => batching(half, around(500, random)));
    expect(least(found.map(({ rate }) => rate / best))).toBeGreaterThan(0.84);
    expect(least(found.map(({ lateRate }) => lateRate / best))).toBeGreaterThan(0.94);
  });
});

describe('a server that pushes back', () => {
  test.each([
    ['rate-limited', 20],
    ['overloaded', 20],
    ['connection', 50],
  ] as const)('with %s above %i is held just below that', (kind, limit) => {
    const best = limit / 0.5;
    const found = runs((random) => refusing(limit, kind, around(500, random)));
    expect(least(found.map(({ rate }) => rate / best))).toBeGreaterThan(0.92);
    expect(least(found.map(({ lateRate }) => lateRate / best))).toBeGreaterThan(0.97);
    expect(most(found.map(({ rejected }) => rejected))).toBeLessThan(0.02);
    expect(most(found.map(({ peak }) => peak))).toBeLessThanOrEqual(2 * limit);
  });

  test('soon gets fewer than were asked for', () => {
    const asked = { start: 64, most: 64 };
    const found = runs((random) => refusing(20, 'connection', around(500, random)), asked);
    expect(least(found.map(({ rate }) => rate / 40))).toBeGreaterThan(0.95);
    expect(most(found.map(({ rejected }) => rejected))).toBeLessThan(0.03);
  });

  test('above a rate gets as many as it takes', () => {
    const told = runs((random) => rateLimited(10, around(200, random), 1000));
    expect(least(told.map(({ rate }) => rate / 10))).toBeGreaterThan(0.95);
    expect(most(told.map(({ rejected }) => rejected))).toBeLessThan(0.03);
    const untold = runs((random) => rateLimited(10, around(2000, random)));
    expect(least(untold.map(({ rate }) => rate / 10))).toBeGreaterThan(0.9);
    expect(most(untold.map(({ rejected }) => rejected))).toBeLessThan(0.02);
  });

  test('by chance alone is not given up for it', () => {
    const found = runs((random) => faulty(0.01, queueing(32, around(500, random)), random));
    expect(mean(found.map(({ rate }) => rate / 64))).toBeGreaterThan(0.75);
  });
});

describe('a number that was asked for', () => {
  test('is kept where the server takes it, useful or not', () => {
    const { limits } = simulate(
      queueing(4, () => 500),
      { start: 64, most: 64 },
    );
    expect(limits).toEqual([64]);
  });

  test('is come back to, step by step, when the server takes it again', () => {
    const sick: SimulatedServer = (now, held) =>
      now < 20_000 && held >= 10 ? { endsAt: now + 5, kind: 'overloaded' } : { endsAt: now + 500 };
    const { limits } = simulate(sick, { start: 64, most: 64 });
    expect(least(limits)).toBeLessThanOrEqual(10);
    expect(limits.at(-1)).toBe(64);
    expect(most(limits)).toBe(64);
  });
});

describe('the limit', () => {
  function open(start = 8) {
    let now = 0;
    const limits: number[] = [];
    const finder = createLimitFinder({
      start,
      max: 256,
      onChange: (limit) => void limits.push(limit),
      now: () => now,
    });
    const answer = (answered: Answer, times: number, inFlight = 1000): void => {
      for (let time = 0; time < times; time++) finder.onAnswer(answered, 10, inFlight);
    };
    return { finder, limits, answer, pass: (ms: number) => void (now += ms) };
  }

  test('falls once for a burst, and not for failures that say nothing of the load', () => {
    const { limits, answer, pass } = open(100);
    pass(1000);
    for (const kind of ['bad-request', 'timeout', 'server-error', 'refused'] as const) answer(failure(kind, ''), 100);
    expect(limits).toEqual([]);
    answer(failure('overloaded', ''), 100);
    expect(limits).toEqual([50]);
    pass(10);
    answer(failure('overloaded', ''), 100);
    expect(limits).toEqual([50]);
  });

  test('falls down to one, never further', () => {
    const { limits, answer, pass } = open(3);
    for (let burst = 0; burst < 5; burst++) {
      pass(1000);
      answer(failure('connection', ''), 5);
    }
    expect(limits).toEqual([1]);
  });

  test('learns nothing while there are too few requests to fill it', () => {
    const { limits, answer, pass } = open();
    pass(1000);
    answer(completion('x'), 1000, 7);
    expect(limits).toEqual([]);
    answer(completion('x'), 8, 8);
    expect(limits).toEqual([16]);
  });

  test('that is tried out is not the one that was found', () => {
    const { finder, limits, answer, pass } = open();
    pass(1000);
    answer(completion('x'), 8);
    expect([limits, finder.found()]).toEqual([[16], 8]);
  });

  test.each([
    [18, 20, 'no slower', [16, 32]],
    [1, 20, 'slower', [16]],
  ])('weighs answers of %i tokens in %i ms: they are %s', (tokens, latencyMs, _word, expected) => {
    const { finder, limits, answer, pass } = open();
    pass(1000);
    // One token in 10 ms: as much as a fixed cost of 16 tokens and one more.
    answer(completion('x'), 8);
    const { body } = completion('x');
    const usage = { prompt_tokens: 1, completion_tokens: tokens, total_tokens: tokens + 1 };
    pass(1000);
    for (let time = 0; time < 12; time++) {
      finder.onAnswer({ status: 'completed', body: { ...body, usage } }, latencyMs, 16);
    }
    expect(limits).toEqual(expected);
  });
});
