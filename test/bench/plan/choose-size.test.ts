import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { backends } from '../../../src/backends/index.ts';
import { benchPaths, warmUpInput } from '../../../src/bench/records/bench-paths.ts';
import { chooseSize, isBeyond, lookAtEngines } from '../../../src/bench/plan/choose-size.ts';
import type { Notice } from '../../../src/core/notice.ts';
import type { Engine, Options } from '../../../src/bench/plan/matrix.ts';
import type { Strategy } from '../../../src/bench/records/records.ts';
import { defaultAnswerSettings, defaultRunnerSettings } from '../../../src/core/settings.ts';
import { scratchFolder } from '../../helpers/scratch-folder.ts';

const mock = { backend: 'mock', model: 'mock' };

interface Wish {
  options: Options;
  budgetSeconds: number | null;
  engines?: Engine[];
  strategies?: Strategy[];
  requests?: number;
}

/** Two numbers of workers, two repeats: four trials of each engine. */
async function choose({
  options,
  budgetSeconds,
  engines = [mock],
  strategies = ['independent'],
  requests = 170_000,
}: Wish) {
  const paths = benchPaths(await scratchFolder());
  await mkdir(dirname(warmUpInput(paths)), { recursive: true });
  const lines = Array.from({ length: 32 }, (_, index) => `{"id":"r${index}","prompt":"question ${index}"}\n`);
  await writeFile(warmUpInput(paths), lines.join(''));
  const notes: string[] = [];
  const never = new AbortController().signal;
  const wish = {
    backends,
    engines,
    strategies,
    budgetSeconds,
    input: null,
    base: { settings: defaultAnswerSettings, runner: { ...defaultRunnerSettings, fsync: 'none' as const } },
    workers: [1, 2],
    options: [options],
    seed: 1,
    repeats: 2,
    batches: null,
  };
  const notify = ({ text }: Notice): unknown => notes.push(text);
  const host = {
    backends,
    environment: {},
    stdin: Readable.from([]),
    stop: never,
    abort: never,
    onStart: () => {},
    onResults: null,
  };
  const size = chooseSize(await lookAtEngines(wish, paths, { ...host, notify }), wish, { requests, notify });
  return { size, notes, left: await readdir(paths.folder) };
}

test('a quick engine gets the usual size, and nothing is left of the look at it', async () => {
  expect(await choose({ options: { latency_ms: 1 }, budgetSeconds: 1800 })).toEqual({
    size: 2000,
    notes: expect.arrayContaining([expect.stringMatching(/^mock mock: [\d.]+ req\/s at first$/)]),
    left: ['inputs'],
  });
});

test('a slow one gets as many as four trials have time for, in four fifths of the budget', async () => {
  // 20 ms a request and 32 s: 4 trials of 400 with one worker.
  const { size, notes } = await choose({ options: { latency_ms: 20 }, budgetSeconds: 40 });
  expect(size).toBeGreaterThanOrEqual(200);
  expect(size).toBeLessThanOrEqual(400);
  expect(notes.at(-1)).toBe(`trials of ${size} requests, for a budget of 40.0 s (--sizes or --budget for more)`);
});

test('an input that has fewer is not sent again', async () => {
  expect((await choose({ options: { latency_ms: 1 }, budgetSeconds: 1800, requests: 500 })).size).toBe(500);
  expect((await choose({ options: { latency_ms: 20 }, budgetSeconds: 1, requests: 30 })).size).toBe(30);
});

test('two engines share the time', async () => {
  const engines = [mock, { backend: 'mock', model: 'other' }];
  const { size } = await choose({ options: { latency_ms: 20 }, budgetSeconds: 80, engines });
  expect(size).toBeGreaterThanOrEqual(200);
  expect(size).toBeLessThanOrEqual(400);
});

test('none gets fewer than a steady rate wants', async () => {
  expect((await choose({ options: { latency_ms: 20 }, budgetSeconds: 1 })).size).toBe(200);
});

test('without a budget, with baselines alone, and where the engine is not there, it is the usual size', async () => {
  expect((await choose({ options: { latency_ms: 20 }, budgetSeconds: null })).size).toBe(2000);
  const baseline = await choose({ options: {}, budgetSeconds: 1, strategies: ['baseline'] });
  expect([baseline.size, baseline.notes]).toEqual([2000, []]);
  const engines = [{ backend: 'llama-cpp', model: 'missing.gguf' }];
  expect((await choose({ options: {}, budgetSeconds: 1, engines })).size).toBe(2000);
});

test('a trial is beyond the budget where twice the speed for twice the workers would not bring it in', () => {
  const rates = new Map([[JSON.stringify(['mock', 'mock']), { rate: 1, workers: 1 }]]);
  const point = { ...mock, strategy: 'independent' as const, options: {}, size: 1000 };
  expect([1, 2, 4].map((workers) => isBeyond({ ...point, workers }, rates, 300))).toEqual([true, true, false]);
  expect(isBeyond({ ...point, workers: 1, strategy: 'baseline' }, rates, 300)).toBe(false);
  expect(isBeyond({ ...point, workers: 1, model: 'other' }, rates, 300)).toBe(false);
});
