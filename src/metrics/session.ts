import { createDistribution } from '../data/distribution.ts';
import type { ResultSample } from '../core/events.ts';
import type { FlightSample } from '../core/measurements.ts';
import type { RunTimes } from '../core/snapshot.ts';
import type { Rates } from '../core/snapshot/rates.ts';
import { createRate } from './rate.ts';
import { type AttemptEnd, createTokenMeter } from './token-rate.ts';

/** Rates and times of this session; results of earlier sessions have no part in them. */
interface SessionNumbers {
  rates: Rates;
  times: Omit<RunTimes, 'loadMs'>;
}

export interface Session {
  /** Counts a result. Times are milliseconds of the caller's clock here and below. */
  add(sample: ResultSample, atMs: number): void;
  /** Counts what came of the requests in flight. */
  addFlight(sample: FlightSample, atMs: number): void;
  /** Counts the tokens of an attempt that has ended, without those that samples told. */
  addAttempt(end: AttemptEnd, atMs: number): void;
  /** Reads the numbers as of now. `isBusy`: requests are in flight. */
  read(nowMs: number, isBusy: boolean): SessionNumbers;
}

/** Measures the rates and times of one session, which begins at `startMs` of the caller's clock. */
export function createSession(startMs: number): Session {
  const requestRate = createRate(startMs);
  const generation = createTokenMeter(startMs);
  const prompt = createTokenMeter(startMs);
  const latency = createDistribution();
  const ttft = createDistribution();
  const queue = createDistribution();
  let requests = 0;
  let includesCached = false;

  return {
    add(sample, atMs) {
      // A line that never became a request took no work, and would make the rate look better than it is.
      if (sample.attempts === 0) return;
      requests++;
      requestRate.add(1, atMs);
      if (sample.kind !== null) return;
      latency.record(sample.latencyMs);
      if (sample.ttftMs !== null) ttft.record(sample.ttftMs);
      if (sample.queueMs !== null) queue.record(sample.queueMs);
    },
    addFlight({ generated, promptComputed }, atMs) {
      generation.addLive(generated, atMs);
      prompt.addLive(promptComputed, atMs);
    },
    addAttempt(end, atMs) {
      const { promptTokens, completionTokens, cachedTokens } = end.rest ?? end.tokens;
      generation.addEnded(completionTokens, end, atMs);
      prompt.addEnded(promptTokens === null ? null : promptTokens - (cachedTokens ?? 0), end, atMs);
      includesCached ||= cachedTokens === null && (promptTokens ?? 0) > 0;
    },
    read(nowMs, isBusy) {
      const elapsedSeconds = Math.max(0, nowMs - startMs) / 1000;
      const isMeasured = requests > 0 && elapsedSeconds > 0;
      return {
        rates: {
          requests: { recent: requestRate.perSecond(nowMs), overall: isMeasured ? requests / elapsedSeconds : null },
          generation: generation.read(nowMs, isBusy),
          prompt: { ...prompt.read(nowMs, isBusy), includesCached },
        },
        times: {
          elapsedSeconds,
          pausedSeconds: 0,
          eta: null,
          latencyMs: latency.read(),
          ttftMs: ttft.read(),
          queueMs: queue.read(),
        },
      };
    },
  };
}
