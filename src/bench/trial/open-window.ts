import { addMeasured, addReported, type GpuSample } from '../../core/measurements.ts';
import type { ResultSample } from '../../core/events.ts';
import { type Mean, addTo, createMean, meansBy, mergeMeans, readMean } from '../statistics/mean.ts';
import { type GpuMeans, addGpus, closeGpus, mergeGpus, openGpus } from './gpu-window.ts';
import type { Window } from '../records/records.ts';

/** What was seen of the machine at one time; each part is absent where this sample has nothing of it. */
export interface MachineSample {
  gpus?: GpuSample[];
  client?: NonNullable<Window['client']>;
  engine?: NonNullable<Window['engine']>;
  swapBytes?: number;
}

/** A window that still takes results and samples. */
export interface OpenWindow {
  requests: number;
  failures: number;
  promptTokens: number | null;
  completionTokens: number | null;
  /** Null until a result reports them. */
  cachedTokens: number | null;
  answeredPromptTokens: number | null;
  means: Record<MeanName, Mean>;
  gpu: GpuMeans;
}

const meanNames = [
  'latency',
  'queue',
  'ttft',
  'clientCpu',
  'loopBusy',
  'clientMemory',
  'engineCpu',
  'engineMemory',
  'swap',
] as const;
type MeanName = (typeof meanNames)[number];

export const openWindow = (): OpenWindow => ({
  requests: 0,
  failures: 0,
  promptTokens: 0,
  completionTokens: 0,
  cachedTokens: null,
  answeredPromptTokens: 0,
  means: meansBy(meanNames, createMean),
  gpu: openGpus(),
});

export function addResult(window: OpenWindow, sample: ResultSample): void {
  window.requests++;
  addTokens(window, sample);
  // As in a run's numbers: a failure's time says something about the failure.
  if (sample.kind !== null) {
    window.failures++;
    return;
  }
  addTo(window.means.latency, sample.latencyMs);
  addTo(window.means.queue, sample.queueMs);
  addTo(window.means.ttft, sample.ttftMs);
}

/** Of an attempt that failed as much as is known. */
function addTokens(window: OpenWindow, sample: ResultSample): void {
  const { promptTokens, completionTokens, cachedTokens, retried } = sample;
  const isAnswered = sample.kind === null;
  const spent = (tokens: number | null, before = 0): number | null =>
    addMeasured(isAnswered ? tokens : (tokens ?? 0), before);
  window.promptTokens = addMeasured(window.promptTokens, spent(promptTokens, retried?.promptTokens));
  window.completionTokens = addMeasured(window.completionTokens, spent(completionTokens, retried?.completionTokens));
  window.cachedTokens = addReported(addReported(window.cachedTokens, cachedTokens), retried?.cachedTokens ?? null);
  if (isAnswered) window.answeredPromptTokens = addMeasured(window.answeredPromptTokens, promptTokens);
}

export function addMachine({ means, gpu }: OpenWindow, { gpus, client, engine, swapBytes }: MachineSample): void {
  if (gpus !== undefined) addGpus(gpu, gpus);
  addTo(means.clientCpu, client?.cpu_percent);
  addTo(means.loopBusy, client?.loop_busy);
  addTo(means.clientMemory, client?.memory_bytes);
  addTo(means.engineCpu, engine?.cpu_percent);
  addTo(means.engineMemory, engine?.memory_bytes);
  addTo(means.swap, swapBytes);
}

export const mergeWindows = (left: OpenWindow, right: OpenWindow): OpenWindow => ({
  requests: left.requests + right.requests,
  failures: left.failures + right.failures,
  promptTokens: addMeasured(left.promptTokens, right.promptTokens),
  completionTokens: addMeasured(left.completionTokens, right.completionTokens),
  cachedTokens: addReported(left.cachedTokens, right.cachedTokens),
  answeredPromptTokens: addMeasured(left.answeredPromptTokens, right.answeredPromptTokens),
  means: meansBy(meanNames, (name) => mergeMeans(left.means[name], right.means[name])),
  gpu: mergeGpus(left.gpu, right.gpu),
});

export const closeWindow = ({ means, gpu, ...counts }: OpenWindow): Omit<Window, 'at_seconds' | 'seconds'> => ({
  requests: counts.requests,
  failures: counts.failures,
  prompt_tokens: counts.promptTokens,
  completion_tokens: counts.completionTokens,
  cached_tokens: counts.cachedTokens,
  answered_prompt_tokens: counts.answeredPromptTokens,
  latency_ms: readMean(means.latency),
  queue_ms: readMean(means.queue),
  ttft_ms: readMean(means.ttft),
  gpu: closeGpus(gpu),
  client: closeClient(means),
  engine: closeEngine(means),
  swap_bytes: readMean(means.swap),
});

function closeClient({ clientCpu, loopBusy, clientMemory }: OpenWindow['means']): Window['client'] {
  const [cpu_percent, loop_busy, memory_bytes] = [readMean(clientCpu), readMean(loopBusy), readMean(clientMemory)];
  return cpu_percent === null || loop_busy === null || memory_bytes === null
    ? null
    : { cpu_percent, loop_busy, memory_bytes };
}

function closeEngine({ engineCpu, engineMemory }: OpenWindow['means']): Window['engine'] {
  const [cpu_percent, memory_bytes] = [readMean(engineCpu), readMean(engineMemory)];
  return cpu_percent === null || memory_bytes === null ? null : { cpu_percent, memory_bytes };
}
