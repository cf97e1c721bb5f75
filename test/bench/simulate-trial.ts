import type { ResultSample } from '../../src/core/events.ts';
import type { TrialAnalysis } from '../../src/bench/analysis/analysis.ts';
import type { MachineSample } from '../../src/bench/trial/open-window.ts';
import type { TrialRecord, TrialSpec } from '../../src/bench/records/records.ts';
import { findSteady } from '../../src/bench/statistics/steady.ts';
import { type TrialSpan, createWindows } from '../../src/bench/trial/windows.ts';
import { createMeter } from '../../src/metrics/meter.ts';

/** One answer: its latency alone, or more of it. */
export type Answered = number | ({ latencyMs: number } & Partial<ResultSample>);

export interface Simulated {
  requests: number;
  workers: number;
  /** Of the request with this number, from 0, sent so many milliseconds after the first. */
  answer: (number: number, sentMs: number) => Answered;
  /** What is seen of the machine, each second, given the share of the trial that has passed. */
  machine?: (share: number) => MachineSample;
}

const epochMs = 1_764_000_000_000;

/** A closed loop: each worker sends its next request when it has the answer to the last. */
export function simulateResults({ requests, workers, answer }: Simulated): ResultSample[] {
  const free = Array.from({ length: workers }, () => epochMs);
  const results = Array.from({ length: requests }, (_, number) => {
    const worker = free.indexOf(Math.min(...free));
    const sentMs = free[worker] ?? epochMs;
    const answered = answer(number, sentMs - epochMs);
    const sample = sampleOf(typeof answered === 'number' ? { latencyMs: answered } : answered, sentMs);
    free[worker] = sample.endedAt;
    return sample;
  });
  return results.toSorted((left, right) => left.endedAt - right.endedAt);
}

const sampleOf = (answered: { latencyMs: number } & Partial<ResultSample>, sentMs: number): ResultSample => ({
  kind: null,
  promptTokens: 100,
  completionTokens: 20,
  cachedTokens: null,
  ttftMs: null,
  queueMs: null,
  attempts: 1,
  endedAt: sentMs + answered.latencyMs,
  ...answered,
});

export function simulateSpan(simulated: Simulated): TrialSpan {
  const windows = createWindows();
  const results = simulateResults(simulated);
  for (const sample of results) windows.addResult(sample);
  const lastMs = results.at(-1)?.endedAt ?? epochMs;
  for (let atMs = epochMs; atMs < lastMs; atMs += 1000) {
    windows.addMachine(simulated.machine?.((atMs - epochMs) / (lastMs - epochMs)) ?? {}, atMs);
  }
  return windows.read();
}

const spec: TrialSpec = {
  number: 1,
  backend: 'mock',
  model: 'mock',
  workers: 1,
  size: 1000,
  strategy: 'independent',
  options: {},
  repeat: 1,
  batch: null,
};

export type Changes = Partial<Omit<TrialRecord, 'spec'>> & { spec?: Partial<TrialSpec> };

/** The record of a trial, of no windows where none are given. */
export const trialRecord = ({ spec: specChanges, ...changes }: Changes = {}): TrialRecord => ({
  type: 'trial',
  spec: { ...spec, ...specChanges },
  started_at: '2026-01-01T00:00:00.000Z',
  state: 'finished',
  error: null,
  backend_version: 'mock 1',
  model_digest: null,
  server: null,
  workers: specChanges?.workers ?? spec.workers,
  slots: null,
  load_ms: null,
  seconds: 100,
  succeeded: 1000,
  failed: 0,
  first_20_rate: null,
  windows: [],
  vram_bytes: { before: null, loaded: null, after: null },
  reloads: 0,
  summary: createMeter().snapshot(),
  output: null,
  ...changes,
});

/** The record of a simulated trial. */
export function simulateTrial(simulated: Simulated, { spec: specChanges, ...changes }: Changes = {}): TrialRecord {
  const { requests, workers } = simulated;
  const span = simulateSpan(simulated);
  return trialRecord({
    ...span,
    succeeded: requests,
    ...changes,
    spec: { size: requests, workers, ...specChanges },
  });
}

export const analysed = (record: TrialRecord): TrialAnalysis => ({
  record,
  steady: findSteady(record.windows),
  verdicts: [],
  changesAnswers: null,
  changedShare: null,
});
