import { describe, expect, test } from 'vitest';
import { type Look, type SimulatedRun, type Workload, lognormal, simulate } from './simulated-run.ts';

/** Steps of a large GPU with 256 answers, and of a CPU. */
const gpu: [number, number] = [0.1, 0.0004];
const cpu: [number, number] = [0.02, 0.003];

/** Answers as `max_tokens` cuts them. */
const cutAt =
  (limit: number, tokens: Workload['tokens']): Workload['tokens'] =>
  (index, random) =>
    Math.min(limit, tokens(index, random));

/** Runs whose rest is like their beginning. */
const steady: Record<string, Workload> = {
  'answers of a minute, 256 in flight': { requests: 2500, workers: 256, tokens: lognormal(300, 0.3), step: gpu },
  'answers of a minute that all end at the limit': { requests: 2560, workers: 256, tokens: () => 300, step: gpu },
  'short answers, four in flight': { requests: 800, workers: 4, tokens: lognormal(100, 0.4), step: [0.01, 0.0025] },
  'one in flight': { requests: 600, workers: 1, tokens: lognormal(20, 0.4), step: [0.1, 0] },
  'most answers end at max_tokens': {
    requests: 1500,
    workers: 64,
    limit: 200,
    tokens: cutAt(200, lognormal(200, 0.4)),
    prompt: () => 40,
    promptStep: 0.001,
    step: [0.075, 0.0022],
  },
  'scores behind long prompts': {
    requests: 3000,
    workers: 16,
    tokens: () => 8,
    prompt: () => 300,
    promptStep: 0.0005,
    step: [0.02, 0.001],
  },
  'long prompts on a CPU': {
    requests: 800,
    workers: 32,
    tokens: lognormal(100, 0.3),
    prompt: () => 400,
    promptStep: 0.002,
    step: cpu,
  },
  'more in flight than the engine has slots': {
    requests: 500,
    workers: 16,
    slots: 4,
    tokens: lognormal(100, 0.3),
    step: [0.02, 0.005],
  },
  'one in five fails at once': { requests: 2000, workers: 16, tokens: lognormal(50, 0.3), step: cpu, failing: 0.2 },
  'nothing is told before the end': {
    requests: 2500,
    workers: 64,
    tokens: lognormal(200, 0.3),
    step: gpu,
    tells: false,
  },
  'another session did the first half': {
    requests: 2400,
    earlier: 1200,
    workers: 64,
    tokens: lognormal(200, 0.3),
    step: [0.06, 0.001],
  },
};

/** Runs that get slower when half of their requests have been sent. */
const changing: Record<string, Workload> = {
  'an engine of half the speed': {
    requests: 2000,
    workers: 64,
    tokens: lognormal(200, 0.3),
    step: gpu,
    slowdown: { from: 1000, factor: 2 },
  },
  'an engine of a fifth of the speed': {
    requests: 2000,
    workers: 64,
    tokens: lognormal(200, 0.3),
    step: gpu,
    slowdown: { from: 1000, factor: 5 },
  },
  'half the speed with answers of a minute': {
    requests: 2500,
    workers: 256,
    tokens: lognormal(300, 0.3),
    step: gpu,
    slowdown: { from: 1250, factor: 2 },
  },
  'half the speed, and nothing told before the end': {
    requests: 2000,
    workers: 64,
    tokens: lognormal(200, 0.3),
    step: gpu,
    tells: false,
    slowdown: { from: 1000, factor: 2 },
  },
  'answers of twice the length': {
    requests: 2000,
    workers: 64,
    tokens: (index, random) => lognormal(index < 1000 ? 200 : 400, 0.3)(index, random),
    step: gpu,
    slowdown: { from: 1000, factor: 1 },
  },
};

/** A run of few waves on a CPU, on which the last answers get faster with every one that ends. */
const short: Workload = { ...steady['most answers end at max_tokens']!, requests: 300 };

const seeds = [1, 2];

interface Guess extends Look {
  eta: NonNullable<Look['eta']>;
  truth: number;
}

const guessesOf = ({ looks, endSeconds }: SimulatedRun): Guess[] =>
  looks.flatMap((look) => (look.eta === null ? [] : [{ ...look, eta: look.eta, truth: endSeconds - look.atSeconds }]));

const shareOf = <Item>(items: readonly Item[], isSo: (item: Item) => boolean): number =>
  items.filter(isSo).length / items.length;

const isHeld = ({ eta, truth }: Guess): boolean => eta.low <= truth && truth <= eta.high;
const isNear = ({ eta, truth }: Guess): boolean => Math.abs(eta.seconds - truth) <= 0.1 * truth;

describe('a run whose rest is like its beginning', () => {
  test.each(Object.entries(steady))('%s', (_, load) => {
    const runs = seeds.map((seed) => simulate(load, seed));
    const guesses = runs.flatMap(guessesOf);
    const middle = runs.flatMap((run) =>
      guessesOf(run).filter(({ atSeconds }) => isMiddle(atSeconds / run.endSeconds)),
    );
    expect(middle.length).toBeGreaterThan(20);
    expect(shareOf(middle, isNear)).toBeGreaterThan(0.95);
    expect(shareOf(guesses, isHeld)).toBeGreaterThan(0.85);
    const last = guesses.filter(({ truth }) => truth < 60);
    expect(Math.max(...last.map(({ eta, truth }) => eta.seconds - truth))).toBeLessThan(20);
  });

  const isMiddle = (share: number): boolean => share >= 0.2 && share <= 0.9;
});

test('nothing is said before the first wave', () => {
  const { looks, endSeconds } = simulate(steady['answers of a minute that all end at the limit']!);
  const guesses = looks.filter(({ eta }) => eta !== null);
  expect(guesses[0]!.done).toBe(256);
  expect(guesses[0]!.atSeconds).toBeLessThan(0.2 * endSeconds);
});

test('with max_tokens something is said as soon as the answers in flight come near it', () => {
  const load: Workload = { requests: 600, workers: 64, tokens: cutAt(200, lognormal(250, 0.4)), step: gpu };
  const firstOf = (workload: Workload): Guess => guessesOf(simulate(workload))[0]!;
  const [free, limited] = [firstOf(load), firstOf({ ...load, limit: 200 })];
  expect(limited.atSeconds).toBeLessThan(free.atSeconds);
  expect(isNear(limited)).toBe(true);
});

test('an engine that does not hold to max_tokens is not believed to', () => {
  const load: Workload = { requests: 800, workers: 8, tokens: lognormal(200, 0.3), step: [0.02, 0.0025] };
  const etas = (workload: Workload) => simulate(workload, 3).looks.map(({ eta }) => eta);
  expect(etas({ ...load, limit: 100 })).toEqual(etas(load));
});

test('over many runs the estimate is neither too long nor too short', () => {
  const guesses = Array.from({ length: 12 }, (_, seed) => simulate(short, 20 + seed)).flatMap((run) =>
    guessesOf(run).filter(({ atSeconds }) => atSeconds >= 0.2 * run.endSeconds && atSeconds <= 0.9 * run.endSeconds),
  );
  const errors = guesses.map(({ eta, truth }) => eta.seconds / truth - 1);
  expect(Math.abs(errors.reduce((sum, error) => sum + error, 0) / errors.length)).toBeLessThan(0.05);
});

test('an engine that is slow at times is not taken to stay so', () => {
  const load: Workload = { ...steady['short answers, four in flight']!, requests: 2000 };
  // Of each 100 seconds 30 are at a third of the speed.
  const runs = [7, 8].map((seed) => simulate({ ...load, speedAt: (at) => (at % 100 < 70 ? 1 : 0.3) }, seed));
  const guesses = runs.flatMap((run) => guessesOf(run).filter(({ atSeconds }) => atSeconds > 0.2 * run.endSeconds));
  expect(shareOf(guesses, isHeld)).toBeGreaterThan(0.9);
  const middle = guesses.filter(({ truth }) => truth > 100);
  expect(shareOf(middle, ({ eta, truth }) => Math.abs(eta.seconds - truth) <= 0.15 * truth)).toBeGreaterThan(0.8);
});

test('a model in GPU memory gains less from fewer answers at the end than one on the CPU', () => {
  const load: Workload = { requests: 300, workers: 64, tokens: lognormal(200, 0.3), step: [0.08, 0.0004] };
  const biasOf = (place: 'cpu' | 'gpu'): number => {
    const guesses = [4, 5, 6].flatMap((seed) => guessesOf(simulate({ ...load, place }, seed)));
    return guesses.reduce((sum, { eta, truth }) => sum + eta.seconds - truth, 0) / guesses.length;
  };
  expect(Math.abs(biasOf('gpu'))).toBeLessThan(Math.abs(biasOf('cpu')));
});

describe('a run that gets slower', () => {
  test.each(Object.entries(changing))('%s', (_, load) => {
    const guesses = seeds.flatMap((seed) => {
      const run = simulate(load, seed);
      return guessesOf(run).filter(({ atSeconds }) => atSeconds >= run.changeSeconds + 60);
    });
    expect(guesses.length).toBeGreaterThan(50);
    expect(shareOf(guesses, isHeld)).toBeGreaterThan(0.9);
  });
});
