import type { GpuSample } from '../../../src/core/measurements.ts';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createWindows } from '../../../src/bench/trial/windows.ts';
import { createRandom } from '../random.ts';
import { simulateResults, simulateSpan } from '../simulate-trial.ts';

const gibibyte = 1024 ** 3;

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
      const results = simulateResults({ requests, workers, answer: () => 1 + random() * maxMs });
      const [ordered, shuffled] = [createWindows(), createWindows()];
      for (const result of results) ordered.addResult(result);
      for (const result of results.toSorted((left, right) => left.latencyMs - right.latencyMs))
        shuffled.addResult(result);
      const { windows, seconds, first_20_rate: quick } = ordered.read();
      expect(shuffled.read().windows.map((window) => window.requests)).toEqual(
        windows.map((window) => window.requests),
      );
      expect(shuffled.read().first_20_rate).toBe(quick);
      expect(windows.length).toBeLessThanOrEqual(60);
      if (seconds > 1.6) expect(windows.length).toBeGreaterThanOrEqual(30);
      expect(windows.reduce((sum, window) => sum + window.requests, 0)).toBe(requests);
      expect(windows.reduce((sum, window) => sum + window.seconds, 0)).toBeCloseTo(seconds, 3);
      expect(windows.at(-1)?.at_seconds).toBeCloseTo(seconds, 6);
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
  expect(first).toMatchObject({ requests: 2, failures: 0, latency_ms: 15, queue_ms: 0.5, ttft_ms: null });
  expect(first).toMatchObject({ prompt_tokens: 200, completion_tokens: 40, cached_tokens: 14 });
  expect(windows[1]).toMatchObject({ requests: 1, failures: 1, latency_ms: null });
});

test('a line that never became a request is no work', () => {
  const windows = createWindows();
  windows.addResult({ ...simulateResults({ requests: 1, workers: 1, answer: () => 5 })[0]!, attempts: 0 });
  expect(windows.read()).toEqual({ windows: [], seconds: 0, first_20_rate: null });
});

test('the rate of the first 20 is told beside those of the windows', () => {
  const burst = (number: number): number => (number < 20 ? 70 : 770);
  const { first_20_rate: quick } = simulateSpan({ requests: 200, workers: 1, answer: burst });
  expect(quick).toBeCloseTo(14.3, 1);
  expect(simulateSpan({ requests: 19, workers: 1, answer: burst }).first_20_rate).toBeNull();
});

test('GPUs are summed in memory and power, and the worst of them in heat and clock', () => {
  const windows = createWindows();
  const [result] = simulateResults({ requests: 1, workers: 1, answer: () => 40 });
  windows.addResult(result!);
  const hot = { temperature: 80, clockMhz: 1500, mostClockMhz: 3000, isThrottled: true };
  const cool = { utilisation: 50, clockMhz: 2900, mostClockMhz: 3000, isThrottled: false };
  windows.addMachine({ gpus: [gpu(hot), gpu(cool)] }, result!.endedAt);
  windows.addMachine({ gpus: [gpu({ temperature: null }), gpu({ usedBytes: null })] }, result!.endedAt);
  expect(windows.read().windows[0]?.gpu).toEqual({
    used_bytes: 12 * gibibyte,
    total_bytes: 32 * gibibyte,
    utilisation: 80,
    temperature: 70,
    power_watts: 400,
    clock: 1500,
    clock_most: 3000,
    is_throttled: true,
  });
});

test('what was not measured is null, and samples before the first request have no window', () => {
  const windows = createWindows();
  const [result] = simulateResults({ requests: 1, workers: 1, answer: () => 40 });
  windows.addMachine({ swapBytes: 1 }, result!.endedAt - 60_000);
  windows.addResult(result!);
  windows.addMachine({ client: { cpu_percent: 50, loop_busy: 0.5, memory_bytes: 1e8 } }, result!.endedAt);
  const [window] = windows.read().windows;
  expect(window).toMatchObject({ gpu: null, engine: null, swap_bytes: null });
  expect(window?.client).toEqual({ cpu_percent: 50, loop_busy: 0.5, memory_bytes: 1e8 });
});

test('the tokens of failures and of retries are in a window as far as they were counted, beside those of the answers', () => {
  const [answer] = simulateResults({ requests: 1, workers: 1, answer: () => 10 });
  const windows = createWindows();
  const retried = { promptTokens: 100, completionTokens: 5, cachedTokens: null, uncounted: 0, latencyMs: 3 };
  windows.addResult({ ...answer!, retried });
  windows.addResult({ ...answer!, kind: 'truncated' });
  windows.addResult({ ...answer!, kind: 'timeout', promptTokens: null, completionTokens: null });
  expect(windows.read().windows.at(-1)).toMatchObject({
    requests: 3,
    failures: 2,
    prompt_tokens: 300,
    completion_tokens: 45,
    answered_prompt_tokens: 100,
  });
});
