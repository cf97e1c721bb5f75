import type { GpuSample } from '../../../src/core/measurements.ts';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { timesOf, windowsOf } from '../../../src/bench/analysis/windows.ts';
import type { MachineSample, TrialResult } from '../../../src/bench/records/records.ts';
import { resultsOf } from '../../../src/bench/trial/watch-trial.ts';
import { createRandom } from '../random.ts';
import { simulateResults, simulateSpan } from '../simulate-trial.ts';

const gibibyte = 1024 ** 3;

const windowsOfResults = (results: TrialResult[], machine: MachineSample[] = []) =>
  windowsOf({ results, machine, windows: null });

const samplesOf = (simulated: Parameters<typeof simulateResults>[0]): TrialResult[] =>
  simulateResults(simulated).flatMap(resultsOf);

function gpu(changes: Partial<GpuSample> = {}): GpuSample {
  const totalBytes = 16 * gibibyte;
  return { usedBytes: 8 * gibibyte, totalBytes, utilisation: 90, temperature: 60, powerWatts: 200, ...changes };
}

test('every result is in one window, whatever the length of the trial and the order in which results come', () => {
  const property = fc.property(
    fc.integer({ min: 1, max: 2000 }),
    fc.integer({ min: 1, max: 40 }),
    fc.integer({ min: 1, max: 600_000 }),
    fc.nat(),
    (requests, workers, maxMs, seed) => {
      const random = createRandom(seed);
      const results = samplesOf({ requests, workers, answer: () => 1 + random() * maxMs });
      const shuffled = results.toSorted((left, right) => left.latencyMs - right.latencyMs);
      const windows = windowsOfResults(results);
      const { seconds, first20Rate: quick } = timesOf(results);
      expect(windowsOfResults(shuffled).map((window) => window.requests)).toEqual(
        windows.map((window) => window.requests),
      );
      expect(timesOf(shuffled).first20Rate).toBe(quick);
      expect(windows.length).toBeLessThanOrEqual(60);
      if (seconds > 1.6) expect(windows.length).toBeGreaterThanOrEqual(30);
      expect(windows.reduce((sum, window) => sum + window.requests, 0)).toBe(requests);
      expect(windows.reduce((sum, window) => sum + window.seconds, 0)).toBeCloseTo(seconds, 3);
      expect(windows.at(-1)?.atSeconds).toBeCloseTo(seconds, 6);
    },
  );
  fc.assert(property, { numRuns: 100 });
});

test('times are means over the successes, and tokens are summed', () => {
  const kinds = [null, null, 'timeout'] as const;
  const { windows } = simulateSpan({
    requests: 3,
    workers: 1,
    answer: (number) => ({
      latencyMs: 10 * (number + 1),
      queueMs: number,
      cachedTokens: 7,
      kind: kinds[number] ?? null,
    }),
  });
  const total = windows.reduce((sum, window) => sum + window.requests, 0);
  expect(total).toBe(3);
  const [first] = windows;
  expect(first).toMatchObject({ requests: 2, failures: 0, latencyMs: 15, queueMs: 0.5, ttftMs: null });
  expect(first).toMatchObject({ promptTokens: 200, completionTokens: 40, cachedTokens: 14 });
  expect(windows[1]).toMatchObject({ requests: 1, failures: 1, latencyMs: null });
});

test('a line that never became a request is no work', () => {
  const [sample] = simulateResults({ requests: 1, workers: 1, answer: () => 5 });
  const results = resultsOf({ ...sample!, attempts: 0 });
  expect([windowsOfResults(results), timesOf(results)]).toEqual([[], { seconds: 0, first20Rate: null }]);
});

test('the rate of the first 20 is told beside those of the windows', () => {
  const burst = (number: number): number => (number < 20 ? 70 : 770);
  const { first20Rate: quick } = simulateSpan({ requests: 200, workers: 1, answer: burst });
  expect(quick).toBeCloseTo(14.3, 1);
  expect(simulateSpan({ requests: 19, workers: 1, answer: burst }).first20Rate).toBeNull();
});

test('GPUs are summed in memory and power, and the worst of them in heat and clock', () => {
  const [result] = samplesOf({ requests: 1, workers: 1, answer: () => 40 });
  const hot = { temperature: 80, clockMhz: 1500, maxClockMhz: 3000, isThrottled: true };
  const cool = { utilisation: 50, clockMhz: 2900, maxClockMhz: 3000, isThrottled: false };
  const atMs = result!.endedAt;
  const [window] = windowsOfResults(
    [result!],
    [
      { atMs, gpus: [gpu(hot), gpu(cool)] },
      { atMs, gpus: [gpu({ temperature: null }), gpu({ usedBytes: null })] },
    ],
  );
  expect(window?.gpu).toEqual({
    usedBytes: 12 * gibibyte,
    totalBytes: 32 * gibibyte,
    utilisation: 80,
    temperature: 70,
    powerWatts: 400,
    clock: 1500,
    maxClock: 3000,
    isThrottled: true,
  });
});

test('what was not measured is null, and samples before the first request have no window', () => {
  const [result] = samplesOf({ requests: 1, workers: 1, answer: () => 40 });
  const client = { cpuPercent: 50, loopBusy: 0.5, memoryBytes: 1e8 };
  const [window] = windowsOfResults(
    [result!],
    [
      { atMs: result!.endedAt - 60_000, swapBytes: 1 },
      { atMs: result!.endedAt, client },
    ],
  );
  expect(window).toMatchObject({ gpu: null, engine: null, swapBytes: null });
  expect(window?.client).toEqual(client);
});

test('the tokens of failures and of retries are in a window as far as they were counted, beside those of the answers', () => {
  const [answer] = simulateResults({ requests: 1, workers: 1, answer: () => 10 });
  const retried = { promptTokens: 100, completionTokens: 5, cachedTokens: null, uncounted: 0, latencyMs: 3 };
  const results = [
    { ...answer!, retried },
    { ...answer!, kind: 'truncated' as const },
    { ...answer!, kind: 'timeout' as const, promptTokens: null, completionTokens: null },
  ].flatMap(resultsOf);
  expect(windowsOfResults(results).at(-1)).toMatchObject({
    requests: 3,
    failures: 2,
    promptTokens: 300,
    completionTokens: 45,
    answeredPromptTokens: 100,
  });
});
