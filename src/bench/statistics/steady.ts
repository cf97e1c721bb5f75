import { average, batchRates, halfRange, rateOf, secondsOf } from './mean.ts';
import { addMeasured } from '../../core/measurements.ts';
import type { Window } from '../records/records.ts';
import { type Trend, findTrend } from './trend.ts';

/** What a steady part must have to be quoted and projected from. */
const needs = {
  /** Parts that are compared with each other: so many windows, and so many times the latency of a request. */
  batches: 10,
  answers: 100,
  /** Of the rate: half of its 95 % range. */
  halfRange: 0.15,
};
/** Of the rate: less is no trend that anybody would act on. */
const minTrend = 0.05;
/** A spread that was seen for so short a time says nothing of how much longer it would take than this. */
const maxLack = 10;

/** The steady part of a trial, and its rate. */
export interface Steady {
  isSteady: boolean;
  /** Requests that would make it steady, where it is not. */
  neededRequests: number | null;
  /** Requests answered (not failed) per second of the steady part, and its 95 % range; null where it is not steady. */
  rate: number | null;
  low: number | null;
  high: number | null;
  /** Prompt + completion tokens per second. */
  tokenRate: number | null;
  /** The windows [from, to) of it. */
  from: number;
  to: number;
  /** Change of the rate over the whole trial as a share of it, -0.2 is 20 % slower at its end; null: no trend to be told. */
  trend: number | null;
}

/**
 * Which part of a trial is steady, and its rate. Left out at both ends is the time of one request: at the start no answer has
 * come yet, at the end nothing more is sent and the workers stop one by one. Of the rest, so much is left out at the start
 * (at most half) that the mean of what stays is known best: White's MSER rule, which weighs every window left out against
 * the spread that goes with it, and so finds where loading, empty caches and a first burst are over.
 */
export function findSteady(windows: readonly Window[]): Steady {
  const latencySeconds = meanLatency(windows) / 1000;
  const [start, to] = withoutEnds(windows, latencySeconds);
  const from = start + warmUp(windows.slice(start, to));
  const part = windows.slice(from, to);
  const whole = trendOf(windows.slice(start, to), latencySeconds);
  const inPart = trendOf(part, latencySeconds);
  const isFalling = whole !== null && whole.isClear && whole.change < 0;
  const facts = { from, to, trend: toldOf(isFalling ? whole : inPart) };
  // Where the whole falls, that noise could hide a fall of the rest is no proof of its end.
  const drifts = inPart !== null && (inPart.isClear || isFalling) && Math.abs(inPart.change) >= minTrend;
  const lack = Math.max(lackOf(part, latencySeconds), drifts ? 2 : 0);
  if (lack > 1) {
    const neededRequests = neededOf(windows, { lack, latencySeconds });
    return { isSteady: false, neededRequests, rate: null, low: null, high: null, tokenRate: null, ...facts };
  }
  const rate = rateOf(part);
  const half = halfRange(part);
  const tokenRate = tokenRateOf(part);
  return { isSteady: true, neededRequests: null, rate, low: rate - half, high: rate + half, tokenRate, ...facts };
}

/** Of a request, over all windows; 0 where none succeeded. */
function meanLatency(windows: readonly Window[]): number {
  let [sum, count] = [0, 0];
  for (const { latency_ms, requests, failures } of windows) {
    if (latency_ms === null) continue;
    sum += latency_ms * (requests - failures);
    count += requests - failures;
  }
  return count === 0 ? 0 : sum / count;
}

function withoutEnds(windows: readonly Window[], latencySeconds: number): [from: number, to: number] {
  const endSeconds = windows.at(-1)?.at_seconds ?? 0;
  const from = windows.findIndex(({ at_seconds, seconds }) => at_seconds - seconds >= latencySeconds);
  const to = windows.findLastIndex(({ at_seconds }) => at_seconds <= endSeconds - latencySeconds) + 1;
  return from === -1 || to <= from ? [0, 0] : [from, to];
}

function warmUp(windows: readonly Window[]): number {
  const rates = windows.map((window) => rateOf([window]));
  const errors = rates.slice(0, Math.floor(rates.length / 2)).map((_, at) => marginalError(rates.slice(at)));
  return errors.reduce((best, error, at) => (error < (errors[best] ?? 0) ? at : best), 0);
}

function marginalError(rates: number[]): number {
  const mean = average(rates);
  return rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / rates.length ** 2;
}

/** A rise over the whole that is not in its steady part is the warm-up, and not asked for here. */
const toldOf = (trend: Trend | null): number | null =>
  trend !== null && trend.isClear && Math.abs(trend.change) >= minTrend ? trend.change : null;

const trendOf = (windows: readonly Window[], latencySeconds: number): Trend | null =>
  roundsLack(windows, latencySeconds) > 1 ? null : findTrend(batchRates(windows, needs.batches));

/** How many times longer it would have to be; 1 or less: it is long enough. */
function lackOf(part: readonly Window[], latencySeconds: number): number {
  const answers = part.reduce((sum, { requests, failures }) => sum + requests - failures, 0);
  const lack = Math.max(needs.answers / answers, roundsLack(part, latencySeconds));
  // Four times as many requests halve the range.
  return lack > 1 ? lack : Math.min(maxLack, (halfRange(part) / rateOf(part) / needs.halfRange) ** 2);
}

const roundsLack = (part: readonly Window[], latencySeconds: number): number =>
  part.length < needs.batches ? Infinity : (needs.batches * latencySeconds) / secondsOf(part);

/** Warm-up and tail need requests too; two figures. Null where nothing succeeded. */
function neededOf(
  windows: readonly Window[],
  { lack, latencySeconds }: { lack: number; latencySeconds: number },
): number | null {
  const ended = windows.reduce((sum, { requests }) => sum + requests, 0);
  if (latencySeconds === 0) return null;
  // By Little's law so many are in flight: a round of requests.
  const round = (ended / secondsOf(windows)) * latencySeconds;
  const least = Math.max(2 * needs.answers, 1.5 * needs.batches * round, 1.2 * ended);
  const wanted = Number.isFinite(lack) ? Math.max(least, 1.2 * lack * ended) : least;
  const step = 10 ** (Math.ceil(Math.log10(wanted)) - 2);
  return Math.ceil(wanted / step) * step;
}

function tokenRateOf(windows: readonly Window[]): number | null {
  const tokens = windows.reduce<number | null>(
    (sum, { prompt_tokens, completion_tokens }) => addMeasured(sum, addMeasured(prompt_tokens, completion_tokens)),
    0,
  );
  return tokens === null ? null : tokens / secondsOf(windows);
}
