import { createDistribution } from '../data/distribution.ts';
import type { ResultSample } from '../core/events.ts';
import type { RunTimes } from '../core/snapshot.ts';
import { type Bin, createLinearHistogram, createLogHistogram } from './charts/histogram.ts';

/** Times and tokens of the successful requests. */
export interface SuccessNumbers extends Pick<RunTimes, 'latencyMs' | 'ttftMs' | 'queueMs'> {
  /** Histograms of the latencies, in milliseconds, and of the tokens of a request. */
  histograms: { latencyMs: Bin[]; promptTokens: Bin[]; completionTokens: Bin[] };
}

export interface SuccessFold {
  add(sample: ResultSample): void;
  read(): SuccessNumbers;
}

/** Collects times and tokens of successful requests; memory does not grow with their number. */
export function foldSuccesses(): SuccessFold {
  const [latency, ttft, queue] = [createDistribution(), createDistribution(), createDistribution()];
  const bins = {
    latencyMs: createLogHistogram(),
    promptTokens: createLinearHistogram(),
    completionTokens: createLinearHistogram(),
  };
  return {
    add({ latencyMs, ttftMs, queueMs, promptTokens, completionTokens }) {
      latency.record(latencyMs);
      if (ttftMs !== null) ttft.record(ttftMs);
      if (queueMs !== null) queue.record(queueMs);
      bins.latencyMs.add(latencyMs);
      bins.promptTokens.add(promptTokens);
      bins.completionTokens.add(completionTokens);
    },
    read: () => ({
      latencyMs: latency.read(),
      ttftMs: ttft.read(),
      queueMs: queue.read(),
      histograms: {
        latencyMs: bins.latencyMs.read(),
        promptTokens: bins.promptTokens.read(),
        completionTokens: bins.completionTokens.read(),
      },
    }),
  };
}
