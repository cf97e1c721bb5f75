import type { ResultSample } from '../../src/core/events.ts';
import type { TrialAnalysis } from '../../src/bench/analysis/analysis.ts';
import { measure } from '../../src/bench/analysis/analyse.ts';
import { timesOf, windowsOf } from '../../src/bench/analysis/windows.ts';
import type { MachineSample, TrialRecord, TrialSpec, Window } from '../../src/bench/records/records.ts';
import { resultsOf } from '../../src/bench/trial/watch-trial.ts';
import { createMeter } from '../../src/metrics/meter.ts';

/** One answer: its latency alone, or more of it. */
export type Answered = number | ({ latencyMs: number } & Partial<ResultSample>);

export interface Simulated {
  requests: number;
  workers: number;
  /** Of the request with this number, from 0, sent so many milliseconds after the first. */
  answer: (number: number, sentMs: number) => Answered;
  /** What is seen of the machine, each second, given the share of the trial that has passed. */
  machine?: (share: number) => Omit<MachineSample, 'atMs'>;
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

type Measured = Pick<TrialRecord, 'results' | 'machine' | 'seconds' | 'first20Rate'>;

/** The raw numbers of a simulated trial, and its times. */
export function simulateSamples(simulated: Simulated): Measured {
  const results = simulateResults(simulated).flatMap(resultsOf);
  const machine: MachineSample[] = [];
  const lastMs = results.at(-1)?.endedAt ?? epochMs;
  for (let atMs = epochMs; atMs < lastMs; atMs += 1000)
    machine.push({ atMs, ...simulated.machine?.((atMs - epochMs) / (lastMs - epochMs)) });
  return { results, machine, ...timesOf(results) };
}

/** The windows of a simulated trial, and its times. */
export function simulateSpan(simulated: Simulated): { windows: Window[] } & Measured {
  const samples = simulateSamples(simulated);
  return { ...samples, windows: windowsOf({ ...samples, windows: null }) };
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

/** The record of a trial, of no results where none are given. */
export const trialRecord = ({ spec: specChanges, ...changes }: Changes = {}): TrialRecord => ({
  type: 'trial',
  spec: { ...spec, ...specChanges },
  startedAt: '2026-01-01T00:00:00.000Z',
  state: 'finished',
  error: null,
  backendVersion: 'mock 1',
  modelDigest: null,
  server: null,
  workers: specChanges?.workers ?? spec.workers,
  slots: null,
  loadMs: null,
  seconds: 100,
  succeeded: 1000,
  failed: 0,
  first20Rate: null,
  results: [],
  machine: [],
  windows: null,
  vramBytes: { before: null, loaded: null, after: null },
  reloads: 0,
  summary: createMeter().snapshot(),
  output: null,
  ...changes,
});

/** The record of a simulated trial. */
export function simulateTrial(simulated: Simulated, { spec: specChanges, ...changes }: Changes = {}): TrialRecord {
  const { requests, workers } = simulated;
  return trialRecord({
    ...simulateSamples(simulated),
    succeeded: requests,
    ...changes,
    spec: { size: requests, workers, ...specChanges },
  });
}

export const analysed = (record: TrialRecord): TrialAnalysis => ({
  ...measure(record),
  verdicts: [],
  changesAnswers: null,
  changedShare: null,
});
