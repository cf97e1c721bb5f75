import { addMeasured } from '../core/measurements.ts';
import type { AttemptTokens } from '../core/attempt-tokens.ts';
import { createDistribution } from '../data/distribution.ts';
import type { ResultSample } from '../core/events.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { estimateEta } from './eta.ts';
import { createRate } from './rate.ts';

/** What only this session measured; results of earlier sessions have no part in it. */
type SessionFacts = Pick<
  Snapshot,
  | 'elapsedSeconds'
  | 'recentRate'
  | 'overallRate'
  | 'recentTokenRate'
  | 'overallTokenRate'
  | 'eta'
  | 'latencyMs'
  | 'ttftMs'
  | 'queueMs'
>;

export interface Session {
  add(sample: ResultSample, atMs: number): void;
  addAttempt(tokens: AttemptTokens, isAnswered: boolean, atMs: number): void;
  facts(nowMs: number, left: number | null): SessionFacts;
}

/** Rates and times of one session, which begins at `startMs` of the caller's clock. */
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
      // A line that never became a request is no work, and would make the rate look better than it is.
      if (sample.attempts === 0) return;
      requests++;
      requestRate.add(1, atMs);
      if (sample.kind !== null) return;
      latency.record(sample.latencyMs);
      if (sample.ttftMs !== null) ttft.record(sample.ttftMs);
      if (sample.queueMs !== null) queue.record(sample.queueMs);
    },
    addAttempt({ promptTokens, completionTokens }, isAnswered, atMs) {
      // Of what broke off, as much as is known.
      const known = (promptTokens ?? 0) + (completionTokens ?? 0);
      tokens = addMeasured(tokens, isAnswered ? addMeasured(promptTokens, completionTokens) : known);
      tokenRate.add(known, atMs);
    },
    facts(nowMs, left) {
      const elapsedSeconds = Math.max(0, nowMs - startMs) / 1000;
      const isMeasured = requests > 0 && elapsedSeconds > 0;
      const recentRate = requestRate.perSecond(nowMs);
      const standardError = requestRate.standardError(nowMs);
      const isEnough = requests >= 20 || elapsedSeconds >= 5;
      return {
        elapsedSeconds,
        recentRate,
        overallRate: isMeasured ? requests / elapsedSeconds : null,
        recentTokenRate: tokens === null ? null : tokenRate.perSecond(nowMs),
        overallTokenRate: isMeasured && tokens !== null ? tokens / elapsedSeconds : null,
        eta: estimateEta({ left, rate: recentRate, standardError, isEnough }),
        latencyMs: latency.read(),
        ttftMs: ttft.read(),
        queueMs: queue.read(),
      };
    },
  };
}
