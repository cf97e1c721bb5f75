import { addMeasured } from '../core/measurements.ts';
import type { AttemptTokens } from '../core/attempt-tokens.ts';
import { createDistribution } from '../data/distribution.ts';
import type { ResultSample } from '../core/events.ts';
import type { Rates, RunTimes } from '../core/snapshot.ts';
import { createRate } from './rate.ts';

/** No ETA is shown before one of the two is reached: it would come from too few results. */
const minEtaRequests = 20;
const minEtaSeconds = 5;

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
  /** Reads the numbers as of now. `left` is the number of requests still to do; null while the total is unknown. */
  read(nowMs: number, left: number | null): SessionNumbers;
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
    read(nowMs, left) {
      const elapsedSeconds = Math.max(0, nowMs - startMs) / 1000;
      const isMeasured = requests > 0 && elapsedSeconds > 0;
      const recentRate = requestRate.perSecond(nowMs);
      const standardError = requestRate.standardError(nowMs);
      const isEnough = requests >= minEtaRequests || elapsedSeconds >= minEtaSeconds;
      return {
        rates: {
          requests: { recent: recentRate, overall: isMeasured ? requests / elapsedSeconds : null },
          tokens: {
            recent: tokens === null ? null : tokenRate.perSecond(nowMs),
            overall: isMeasured && tokens !== null ? tokens / elapsedSeconds : null,
          },
        },
        times: {
          elapsedSeconds,
          eta: estimateEta({ left, rate: recentRate, standardError, isEnough }),
          latencyMs: latency.read(),
          ttftMs: ttft.read(),
          queueMs: queue.read(),
        },
      };
    },
  };
}

/**
 * Estimates the seconds left at the recent rate. The range is that of the rate plus and minus two standard errors, which is 95 %
 * of a normal distribution; the rate is never taken to fall below a quarter, so that the range stays finite.
 */
export function estimateEta(facts: {
  /** Requests still to do; null while the total is unknown. */
  left: number | null;
  rate: number | null;
  standardError: number | null;
  /** Enough was measured for an estimate. */
  isEnough: boolean;
}): RunTimes['eta'] {
  const { left, rate, standardError, isEnough } = facts;
  if (left === 0) return { seconds: 0, low: 0, high: 0 };
  if (left === null || rate === null || standardError === null || rate === 0 || !isEnough) return null;
  return {
    seconds: left / rate,
    low: left / (rate + 2 * standardError),
    high: left / Math.max(rate - 2 * standardError, rate / 4),
  };
}
