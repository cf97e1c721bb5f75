import { addMeasured } from '../core/measurements.ts';
import type { AttemptTokens } from '../core/attempt-tokens.ts';
import { createDistribution } from '../data/distribution.ts';
import type { ResultSample } from '../core/events.ts';
import type { Rates, RunTimes } from '../core/snapshot.ts';
import { createRate } from './rate.ts';

/** Rates and times of this session; results of earlier sessions have no part in them. */
interface SessionNumbers {
  rates: Rates;
  times: Omit<RunTimes, 'loadMs'>;
}

export interface Session {
  /** Counts a result. Times are milliseconds of the caller's clock here and below. */
  add(sample: ResultSample, atMs: number): void;
  /** Counts the tokens of an attempt that has ended. `isAnswered`: it ended with an accepted answer. */
  addAttempt(tokens: AttemptTokens, isAnswered: boolean, atMs: number): void;
  /** Reads the numbers as of now. */
  read(nowMs: number): SessionNumbers;
}

/** Measures the rates and times of one session, which begins at `startMs` of the caller's clock. */
export function createSession(startMs: number): Session {
  const requestRate = createRate(startMs);
  const tokenRate = createRate(startMs);
  const latency = createDistribution();
  const ttft = createDistribution();
  const queue = createDistribution();
  let requests = 0;
  let tokens: number | null = 0;

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
    addAttempt({ promptTokens, completionTokens }, isAnswered, atMs) {
      // An attempt that broke off counts with the tokens that are known.
      const counted = (promptTokens ?? 0) + (completionTokens ?? 0);
      tokens = addMeasured(tokens, isAnswered ? addMeasured(promptTokens, completionTokens) : counted);
      tokenRate.add(counted, atMs);
    },
    read(nowMs) {
      const elapsedSeconds = Math.max(0, nowMs - startMs) / 1000;
      const isMeasured = requests > 0 && elapsedSeconds > 0;
      return {
        rates: {
          requests: { recent: requestRate.perSecond(nowMs), overall: isMeasured ? requests / elapsedSeconds : null },
          tokens: {
            recent: tokens === null ? null : tokenRate.perSecond(nowMs),
            overall: isMeasured && tokens !== null ? tokens / elapsedSeconds : null,
          },
        },
        times: {
          elapsedSeconds,
          eta: null,
          latencyMs: latency.read(),
          ttftMs: ttft.read(),
          queueMs: queue.read(),
        },
      };
    },
  };
}
