import { describe, expect, test } from 'vitest';
import { backends } from '../../../src/backends/index.ts';
import { type Point, combine, maxBaselineRequests, parseEngine, pointsOf } from '../../../src/bench/plan/matrix.ts';
import { loadOf, orderTrials } from '../../../src/bench/plan/order.ts';

const matrix = {
  backends,
  engines: [{ backend: 'mock', model: 'a' }],
  workers: [1, 2, 4],
  sizes: [100],
  strategies: ['independent' as const],
  options: [{}],
};

describe('pointsOf', () => {
  test('makes a point of each combination', () => {
    const points = pointsOf({ ...matrix, sizes: [10, 20], options: combine({ latencyMs: [1, 2], slots: [4] }) });
    expect(points).toHaveLength(12);
    expect(points[0]).toEqual({
      backend: 'mock',
      model: 'a',
      workers: 1,
      size: 10,
      strategy: 'independent',
      options: { latencyMs: 1, slots: 4 },
    });
  });

  test('gives baseline and keep-alive one worker, and baseline few requests', () => {
    const points = pointsOf({ ...matrix, strategies: ['baseline', 'keep-alive'], sizes: [100, 200] });
    expect(points.map(({ strategy, workers, size }) => [strategy, workers, size])).toEqual([
      ['baseline', 1, maxBaselineRequests],
      ['keep-alive', 1, 100],
      ['keep-alive', 1, 200],
    ]);
  });

  test('gives vLLM what no other engine has a name for, and nothing that one of them has', () => {
    const engines = [
      { backend: 'ollama', model: 'a' },
      { backend: 'vllm', model: 'b' },
    ];
    const points = pointsOf({
      ...matrix,
      workers: [2],
      engines,
      options: combine({ num_ctx: [4096], block_size: [32] }),
    });
    expect(points.map(({ backend, options }) => [backend, options])).toEqual([
      ['ollama', { num_ctx: 4096 }],
      ['vllm', { block_size: 32 }],
    ]);
  });

  test("leaves another engine's option out, and makes no point twice for it", () => {
    const engines = [
      { backend: 'mock', model: 'a' },
      { backend: 'ollama', model: 'b' },
    ];
    const points = pointsOf({ ...matrix, workers: [2], engines, options: combine({ num_ctx: [4096, 8192] }) });
    expect(points.map(({ backend, options }) => [backend, options])).toEqual([
      ['mock', {}],
      ['ollama', { num_ctx: 4096 }],
      ['ollama', { num_ctx: 8192 }],
    ]);
  });
});

test('an engine is named by its backend and a model, which may hold colons', () => {
  expect(['ollama:gemma3:4b', 'vllm:google/gemma-3-4b-it', 'mock'].map(parseEngine)).toEqual([
    { backend: 'ollama', model: 'gemma3:4b' },
    { backend: 'vllm', model: 'google/gemma-3-4b-it' },
    { backend: 'mock', model: null },
  ]);
});

describe('orderTrials', () => {
  const points: Point[] = pointsOf({
    ...matrix,
    engines: ['a', 'b', 'c'].map((model) => ({ backend: 'mock', model })),
  });

  test('has each point once before any comes again, and is the same for the same seed', () => {
    const trials = orderTrials(points, { seed: 7, repeats: 3, batches: null });
    expect(trials.map(({ number }) => number)).toEqual(Array.from({ length: 27 }, (_, index) => index + 1));
    for (const repeat of [1, 2, 3]) {
      const round = trials.slice((repeat - 1) * 9, repeat * 9);
      expect(round.every((trial) => trial.repeat === repeat)).toBe(true);
      expect(new Set(round.map(({ model, workers }) => `${model}${workers}`)).size).toBe(9);
    }
    expect(orderTrials(points, { seed: 7, repeats: 3, batches: null })).toEqual(trials);
    expect(orderTrials(points, { seed: 8, repeats: 3, batches: null })).not.toEqual(trials);
  });

  test('loads an engine once a round, and the last of a round is the first of the next', () => {
    const trials = orderTrials(points, { seed: 1, repeats: 3, batches: null });
    const loads = trials.filter((trial, index) => index === 0 || loadOf(trial) !== loadOf(trials[index - 1]!));
    expect(loads).toHaveLength(7);
  });

  test('mirrors every second round, so that a steady drift falls on all points alike', () => {
    const trials = orderTrials(points, { seed: 3, repeats: 2, batches: null });
    const paths = new Map<string, number>();
    for (const { number, model, workers } of trials) {
      paths.set(`${model}${workers}`, (paths.get(`${model}${workers}`) ?? 0) + number);
    }
    expect(new Set(paths.values())).toEqual(new Set([19]));
  });

  test('keeps the batches of a point together, in order', () => {
    const trials = orderTrials(points.slice(0, 2), { seed: 1, repeats: 1, batches: 3 });
    expect(trials.map(({ batch }) => batch)).toEqual([1, 2, 3, 1, 2, 3]);
    expect(new Set(trials.slice(0, 3).map(({ workers }) => workers)).size).toBe(1);
  });

  test('auto, conversations and baselines are loads of their own', () => {
    const [point] = points;
    const kinds = [
      point!,
      { ...point!, workers: 16, size: 9, strategy: 'keep-alive' as const },
      { ...point!, workers: null },
      { ...point!, strategy: 'conversation' as const },
      { ...point!, strategy: 'baseline' as const },
    ];
    expect(new Set(kinds.map(loadOf)).size).toBe(4);
  });
});
