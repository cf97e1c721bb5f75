import type { RunEvent, ResultSample } from '../../core/events.ts';
import { addMeasured, addReported } from '../../core/measurements.ts';
import { watchClient } from '../../machine/own-use.ts';
import { watchSwap } from '../../machine/swap.ts';
import type { MachineSample, TrialRecord, TrialResult } from '../records/records.ts';

/** Raw numbers of a trial. */
export interface TrialSamples extends Pick<TrialRecord, 'results' | 'machine' | 'workers' | 'reloads'> {}

export interface TrialWatch {
  onEvent: (event: RunEvent) => void;
  read: () => TrialSamples;
  stop: () => void;
}

/** Follows a trial: its results, and everything that says something of the machine. */
export function watchTrial(): TrialWatch {
  const results: TrialResult[] = [];
  const machine: MachineSample[] = [];
  const watching = new AbortController();
  let reloads = 0;
  let outages = 0;
  let workers: number | null = null;
  watchClient((client, atMs) => machine.push({ atMs, client }), watching);
  watchSwap((swapBytes, atMs) => machine.push({ atMs, swapBytes }), watching);
  return {
    onEvent(event) {
      if (event.type === 'result-end') results.push(...resultsOf(event.sample));
      if (event.type === 'gpu-sample') machine.push({ atMs: Date.now(), gpus: event.gpus });
      if (event.type === 'engine-restart' || event.type === 'model-reload') reloads++;
      if (event.type === 'engine-outage') outages++;
      // A pause is no setting.
      const isSetting = event.type === 'model-start' || event.type === 'workers-change';
      if (isSetting && event.workers !== 0) workers = event.workers;
      if (event.type === 'process-sample') {
        const { cpuPercent, memoryBytes } = event;
        machine.push({ atMs: Date.now(), engine: { cpuPercent, memoryBytes } });
      }
    },
    // An engine of our own that is away is started again, which is told too.
    read: () => ({ results, machine, reloads: Math.max(reloads, outages), workers }),
    stop: () => watching.abort(),
  };
}

/** A line that never became a request is no work, and not counted. */
export function resultsOf(sample: ResultSample): TrialResult[] {
  const { attempts, endedAt, latencyMs, queueMs, ttftMs, kind, promptTokens, retried } = sample;
  if (attempts === 0 || !(endedAt > 0)) return [];
  const isAnswered = kind === null;
  const spent = (tokens: number | null, before = 0): number | null =>
    addMeasured(isAnswered ? tokens : (tokens ?? 0), before);
  return [
    {
      endedAt,
      latencyMs,
      queueMs,
      ttftMs,
      error: kind,
      promptTokens: spent(promptTokens, retried?.promptTokens),
      completionTokens: spent(sample.completionTokens, retried?.completionTokens),
      cachedTokens: addReported(sample.cachedTokens, retried?.cachedTokens ?? null),
      answeredPromptTokens: isAnswered ? promptTokens : 0,
    },
  ];
}
