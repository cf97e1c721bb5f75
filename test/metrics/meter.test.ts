import { expect, test } from 'vitest';
import type { ResultSample, RunEvent } from '../../src/core/events.ts';
import { createMeter } from '../../src/metrics/meter.ts';
import { attemptEnd } from '../helpers/attempt-end.ts';

const success: ResultSample = {
  kind: null,
  promptTokens: 100,
  completionTokens: 20,
  cachedTokens: 80,
  latencyMs: 500,
  ttftMs: 50,
  queueMs: null,
  attempts: 1,
  endedAt: 1,
};

function startMeter(total: number | null) {
  const clock = { ms: 5000 };
  const meter = createMeter({ now: () => clock.ms });
  clock.ms += 3000;
  meter.add({ type: 'model-start', total, workers: 4, maxWorkers: 16, contextTokens: 4096, loadMs: 2800 });
  const answer = (sample: ResultSample): void => {
    meter.add({ type: 'request-start' });
    meter.add({ type: 'result-end', sample });
    meter.add(attemptEnd(sample));
  };
  return { clock, meter, answer };
}

/** Requests in flight for so long, of an engine that tells no tokens. */
const flightOf = (agesMs: number[]): RunEvent => ({
  type: 'flight',
  flight: {
    generated: 0,
    promptComputed: 0,
    promptCached: 0,
    writing: 0,
    tokens: 0,
    oldest: null,
    each: { agesMs, tokens: agesMs.map(() => 0), limits: agesMs.map(() => null), bytes: agesMs.map(() => 0) },
  },
});

test('before a run starts everything is zero or not measured', () => {
  expect(createMeter({ now: () => 0 }).snapshot()).toMatchObject({
    progress: { total: null, done: 0 },
    rates: { requests: { recent: null, overall: null } },
    times: { eta: null, latencyMs: null },
    machine: { gpus: null, engineProcess: null },
    tokens: { cached: null, cacheHitRate: null },
  });
});

test('a minute of a steady run gives its rates, its times and its ETA', () => {
  const { clock, meter, answer } = startMeter(1200);
  for (let count = 0; count < 600; count++) {
    answer(success);
    clock.ms += 100;
    if (count % 5 === 4) meter.add(flightOf([500, 400, 300, 200, 100]));
  }
  const { progress, rates, times, machine } = meter.snapshot();
  const { eta, latencyMs } = times;
  expect(progress).toMatchObject({ total: 1200, done: 600, succeeded: 600, failed: 0, inFlight: 0 });
  expect(rates).toEqual({
    requests: { recent: 10, overall: 10 },
    generation: { recent: 200, overall: 200, basis: 'live' },
    prompt: { recent: 200, overall: 200, basis: 'live', includesCached: false },
  });
  expect(progress.workers.current).toBe(4);
  expect(times).toMatchObject({ elapsedSeconds: 60, loadMs: 2800, queueMs: null });
  expect(latencyMs).toMatchObject({ count: 600, p50: 500, max: 500 });
  expect(eta?.seconds).toBeCloseTo(60, -1);
  expect(machine.context).toEqual({ current: 120, peak: 120, limit: 4096, trims: 0 });
});

test('the ETA waits for five answers, and for the total', () => {
  const { clock, meter, answer } = startMeter(null);
  const answers = (count: number): void => {
    for (let at = 0; at < count; at++) {
      clock.ms += 500;
      answer(success);
      meter.add(flightOf([1]));
    }
  };
  answers(4);
  meter.add({ type: 'total-change', total: 100 });
  expect(meter.snapshot().times.eta).toBeNull();
  answers(1);
  expect(meter.snapshot().times.eta).not.toBeNull();
  answers(95);
  expect(meter.snapshot().times.eta).toEqual({ seconds: 0, low: 0, high: 0 });
});

test('results of earlier sessions count, but are no part of rates and times', () => {
  const { clock, meter, answer } = startMeter(1000);
  for (let count = 0; count < 500; count++) meter.addEarlier(success);
  clock.ms += 10_000;
  expect(meter.snapshot()).toMatchObject({
    progress: { done: 500 },
    rates: { requests: { recent: null, overall: null } },
    times: { latencyMs: null },
  });
  for (let count = 0; count < 10; count++) answer(success);
  expect(meter.snapshot()).toMatchObject({
    progress: { done: 510 },
    rates: { requests: { overall: 1 } },
    tokens: { prompt: 51_000 },
  });
});

test("a failure's time is no latency, and a line that was never sent is no rate", () => {
  const { clock, meter, answer } = startMeter(10);
  answer({ ...success, kind: 'timeout', latencyMs: 60_000 });
  meter.add({ type: 'result-end', sample: { ...success, kind: 'input', attempts: 0, latencyMs: 0 } });
  clock.ms += 2000;
  expect(meter.snapshot()).toMatchObject({
    progress: { done: 2, failed: 2 },
    rates: { requests: { overall: 0.5, recent: 0.5 } },
    times: { latencyMs: null },
  });
});

test('requests in flight, retries, trims and restarts are counted', () => {
  const { meter } = startMeter(10);
  meter.add({ type: 'request-start' });
  meter.add({ type: 'request-start' });
  meter.add({ type: 'request-retry', kind: 'overloaded', attempt: 1, delayMs: 100 });
  meter.add(attemptEnd({ ...success, kind: 'overloaded' }));
  meter.add({ type: 'history-trim', worker: 0, reason: 'turns', messages: 40 });
  meter.add({ type: 'engine-restart', reason: 'stalled' });
  expect(meter.snapshot()).toMatchObject({
    progress: { inFlight: 1, retries: 1 },
    machine: { engineRestarts: 1, context: { trims: 1 } },
  });
});

test('the workers in use are those that were last told, beside those at the start', () => {
  const { meter } = startMeter(10);
  meter.add({ type: 'workers-change', workers: 2 });
  expect(meter.snapshot().progress.workers).toEqual({ current: 2, atStart: 4, max: 16 });
});

test('the time of a pause counts in no rate, once nothing is in flight, and is told', () => {
  const { clock, meter, answer } = startMeter(100);
  const work = (seconds: number): void => {
    for (let second = 0; second < seconds; second++) {
      clock.ms += 1000;
      answer(success);
    }
  };
  work(30);
  meter.add({ type: 'request-start' });
  meter.add({ type: 'pause', isPaused: true });
  // What is in flight ends: this is work.
  clock.ms += 10_000;
  meter.add({ type: 'result-end', sample: success });
  meter.add(attemptEnd(success));
  const atPause = meter.snapshot();
  clock.ms += 3_600_000;
  const { rates, times, progress } = meter.snapshot();
  expect(times).toMatchObject({ elapsedSeconds: 3640, pausedSeconds: 3600 });
  expect(rates).toEqual(atPause.rates);
  expect(progress.isPaused).toBe(true);
  meter.add({ type: 'pause', isPaused: false });
  work(10);
  expect(meter.snapshot().times).toMatchObject({ elapsedSeconds: 3650, pausedSeconds: 3600 });
  expect(meter.snapshot().rates.requests.overall).toBeCloseTo(41 / 50);
  // Only when all of its servers are left to others is a run held.
  meter.add({ type: 'server-start', server: 0, name: 'a', workers: 1, maxWorkers: 1, loadMs: null });
  meter.add({ type: 'server-start', server: 1, name: 'b', workers: 1, maxWorkers: 1, loadMs: null });
  meter.add({ type: 'give-way', server: 1, isOn: true });
  clock.ms += 5000;
  expect(meter.snapshot()).toMatchObject({ progress: { givingWay: 1 }, times: { pausedSeconds: 3600 } });
  meter.add({ type: 'give-way', server: 0, isOn: true });
  clock.ms += 5000;
  expect(meter.snapshot()).toMatchObject({ progress: { givingWay: 2 }, times: { pausedSeconds: 3605, eta: null } });
});

test('a paused or stopping run has no ETA, and what the user sets may be more than was meant', () => {
  const { clock, meter, answer } = startMeter(100);
  for (let second = 0; second < 60; second++) {
    clock.ms += 1000;
    answer(success);
    meter.add(flightOf([500, 400]));
  }
  expect(meter.snapshot().times.eta).not.toBeNull();
  meter.add({ type: 'pause', isPaused: true });
  expect(meter.snapshot()).toMatchObject({ times: { eta: null }, progress: { isPaused: true } });
  meter.add({ type: 'pause', isPaused: false });
  expect(meter.snapshot().times.eta).not.toBeNull();
  expect(meter.snapshot().progress).not.toHaveProperty('isPaused');
  meter.add({ type: 'workers-change', workers: 20 });
  expect(meter.snapshot().progress.workers).toEqual({ current: 20, atStart: 4, max: 20 });
  meter.add({ type: 'stop' });
  expect(meter.snapshot()).toMatchObject({ times: { eta: null }, progress: { isStopping: true } });
});

test('what full GPU memory forced is counted; without a GPU it is not measured', () => {
  const { meter } = startMeter(10);
  expect(meter.snapshot().machine.vramGuard).toBeNull();
  meter.add({ type: 'gpu-sample', gpus: [] });
  expect(meter.snapshot().machine.vramGuard).toEqual({ trims: 0, lowered: 0, pauses: 0 });
  for (const did of ['trim', 'lower', 'lower', 'pause'] as const) meter.add({ type: 'vram-guard', did });
  expect(meter.snapshot().machine.vramGuard).toEqual({ trims: 1, lowered: 2, pauses: 1 });
});

test('the machine is its last sample and its peak', () => {
  const { meter } = startMeter(10);
  const gpu = { usedBytes: 8, totalBytes: 16, utilisation: 90, temperature: 60, powerWatts: 200 };
  meter.add({ type: 'gpu-sample', gpus: [gpu, gpu] });
  meter.add({ type: 'gpu-sample', gpus: [{ ...gpu, usedBytes: 2 }] });
  meter.add({ type: 'process-sample', cpuPercent: 50, memoryBytes: 9 });
  meter.add({ type: 'process-sample', cpuPercent: 70, memoryBytes: 5 });
  expect(meter.snapshot().machine).toMatchObject({
    gpus: [{ usedBytes: 2 }],
    gpuPeakBytes: 16,
    engineProcess: { cpuPercent: 70, memoryBytes: 5, peakMemoryBytes: 9 },
  });
});

test('what an engine does before it can answer is told until the model is there', () => {
  const meter = createMeter();
  meter.add({ type: 'opening-step', step: 'loading gemma3' });
  expect(meter.snapshot().progress.step).toBe('loading gemma3');
  meter.add({ type: 'model-start', total: 2, workers: 1, maxWorkers: 1, contextTokens: null, loadMs: 1 });
  expect(meter.snapshot().progress).not.toHaveProperty('step');
});
