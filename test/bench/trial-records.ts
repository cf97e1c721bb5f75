import type { Snapshot } from '../../src/core/snapshot.ts';
import { changeSnapshot } from '../helpers/change-snapshot.ts';
import { attemptEnd } from '../helpers/attempt-end.ts';
import type { ResultSample } from '../../src/core/events.ts';
import { createMeter } from '../../src/metrics/meter.ts';
import type { GpuWindow, TrialRecord, TrialSpec, Window } from '../../src/bench/records/records.ts';

const gibibyte = 1024 ** 3;

export function trialSpec(change: Partial<TrialSpec> = {}): TrialSpec {
  return {
    number: 1,
    backend: 'ollama',
    model: 'gemma3:4b',
    workers: 1,
    size: 1000,
    strategy: 'independent',
    options: {},
    repeat: 1,
    batch: null,
    ...change,
  };
}

/** A trial of one speed with a ripple, on a GPU. */
export function trialRecord(spec: TrialSpec, change: Partial<TrialRecord> & { rate?: number } = {}): TrialRecord {
  const { rate = 10, ...rest } = change;
  const count = 20;
  const seconds = spec.size / rate / count;
  const windows = Array.from({ length: count }, (_, at) => windowAt(at, { seconds, rate }));
  return {
    type: 'trial',
    spec,
    startedAt: new Date(Date.parse('2026-11-22T06:00:00Z') + spec.number * 600_000).toISOString(),
    state: 'finished',
    error: null,
    backendVersion: '0.34.0',
    modelDigest: 'sha256:1234',
    server: null,
    workers: spec.workers,
    slots: 4,
    loadMs: 3210,
    seconds: spec.size / rate,
    succeeded: spec.size,
    failed: 0,
    first20Rate: rate * 1.8,
    results: [],
    machine: [],
    windows,
    vramBytes: { before: gibibyte, loaded: 5 * gibibyte, after: 5.1 * gibibyte },
    reloads: 0,
    summary: summaryOf(spec, rate),
    output: `trials/${spec.number}.results.jsonl`,
    ...rest,
  };
}

function windowAt(at: number, { seconds, rate }: { seconds: number; rate: number }): Window {
  const requests = Math.round(rate * seconds * (at === 0 ? 1.5 : 1 + 0.05 * Math.sin(at * 2)));
  return {
    atSeconds: (at + 1) * seconds,
    seconds,
    requests,
    failures: 0,
    promptTokens: requests * 50,
    completionTokens: requests * 12,
    cachedTokens: requests * 30,
    latencyMs: 400,
    queueMs: 100,
    ttftMs: 60,
    gpu: gpuAt(at),
    client: { cpuPercent: 12, loopBusy: 0.05, memoryBytes: 0.1 * gibibyte },
    engine: { cpuPercent: 80, memoryBytes: 2 * gibibyte },
    swapBytes: 0,
  };
}

const gpuAt = (at: number): GpuWindow => ({
  usedBytes: (5 + 0.02 * at) * gibibyte,
  totalBytes: 16 * gibibyte,
  utilisation: 91,
  temperature: 66,
  powerWatts: 250,
  clock: 2500,
  maxClock: 2600,
  isThrottled: false,
});

/** The summary of a run, as the meter makes it. */
function summaryOf(spec: TrialSpec, rate: number): Snapshot {
  const meter = createMeter({ now: () => 0 });
  const workers = spec.workers ?? 4;
  meter.add({
    type: 'model-start',
    total: spec.size,
    workers,
    maxWorkers: workers,
    contextTokens: 4096,
    loadMs: 3210,
  });
  for (let count = 0; count < 100; count++) {
    const sample: ResultSample = {
      kind: null,
      promptTokens: 50,
      completionTokens: 12,
      cachedTokens: 30,
      latencyMs: (workers / rate) * 1000 * (0.8 + 0.004 * count),
      ttftMs: 60 + count,
      queueMs: null,
      attempts: 1,
      endedAt: 1,
    };
    meter.add({ type: 'request-start' });
    meter.add(attemptEnd(sample));
    meter.add({ type: 'result-end', sample });
  }
  return changeSnapshot(meter.snapshot(), {
    tokens: {
      prompt: spec.size * 50,
      completion: spec.size * 12,
      uncounted: 0,
      answered: { prompt: spec.size * 50, completion: spec.size * 12 },
      cached: spec.size * 30,
      cacheHitRate: 0.6,
    },
    progress: { done: spec.size, succeeded: spec.size },
    machine: {
      gpuPeakBytes: 5.5 * gibibyte,
      engineProcess: { cpuPercent: 80, memoryBytes: 2 * gibibyte, peakMemoryBytes: 2.2 * gibibyte },
    },
  });
}
