import { answersOf, average, batchRates, halfRange, normalQuantile, secondsOf, windowRate } from './mean.ts';
import { addMeasured } from '../../core/measurements.ts';
import type { Window } from '../records/records.ts';
import { type Trend, findTrend } from './trend.ts';

/**
 * What a steady part must have to be quoted and projected from; checked on simulated trials (test/bench/statistics).
 */
const needs = {
  /**
   * Parts that are compared with each other. It must have as many windows, and last as many times the latency of a
   * request.
   */
  batches: 10,
  answers: 100,
  /** Half of the 95 % range of the rate, as a share of it. */
  halfRange: 0.15,
};
/** Change of the rate, as a share of it, below which a trend is not worth telling. */
const minTrend = 0.05;
/**
 * A trial is never told to be more than ten times longer for its spread: the spread of a short one is itself uncertain.
 */
const maxLack = 10;

/** Requests answered (not failed) per second, with the 95 % range of the rate. */
export interface Range {
  rate: number;
  low: number;
  high: number;
}

/** The steady part of a trial, and its rate. */
export interface Steady {
  isSteady: boolean;
  /** Requests that would make it steady, where it is not. */
  neededRequests: number | null;
  /** Rate of the steady part, and its 95 % range; null where it is not steady. */
  rate: number | null;
  low: number | null;
  high: number | null;
  /** Completion tokens per second of the steady part; null where they were not all counted. */
  generationRate: number | null;
  /** Rate of the whole trial with a wide range, where it is not steady; null where nothing was answered. */
  rough: Range | null;
  /** The steady part is windows [from, to). */
  from: number;
  to: number;
  /**
   * Change of the rate over the whole trial as a share of it, -0.2 is 20 % slower at its end; null: no trend to be
   * told.
   */
  trend: number | null;
}

/**
 * Which part of a trial is steady, and its rate. Left out at both ends is the time of one request: at the start no
 * answer has come yet, at the end nothing more is sent and the workers stop one by one. Of the rest, so much is left
 * out at the start (at most half) that the mean of what stays is known best: White's MSER rule, which weighs every
 * window left out against the spread that goes with it, and so finds where loading, empty caches and a first burst are
 * over.
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
    const none = { rate: null, low: null, high: null, generationRate: null };
    return { isSteady: false, neededRequests, ...none, rough: roughRange(windows), ...facts };
  }
  const rate = windowRate(part);
  const half = halfRange(part);
  const generationRate = generationRateOf(part);
  const range = { rate, low: rate - half, high: rate + half };
  return { isSteady: true, neededRequests: null, ...range, generationRate, rough: null, ...facts };
}

/** Mean latency of a request over all windows, in milliseconds; 0 where none succeeded. */
function meanLatency(windows: readonly Window[]): number {
  let [sum, count] = [0, 0];
  for (const { latencyMs, requests, failures } of windows) {
    if (latencyMs === null) continue;
    sum += latencyMs * (requests - failures);
    count += requests - failures;
  }
  return count === 0 ? 0 : sum / count;
}

/**
 * What can be said of a trial that is not steady: the rate of the whole of it, with a range that is no narrower than
 * that of as many answers that come at random (a Poisson process: 95 % lie within 1.96 times the root of their number).
 * Fewer answers come in too few bursts for batch means.
 */
function roughRange(windows: readonly Window[]): Range | null {
  const answers = answersOf(windows);
  const rate = windowRate(windows);
  if (answers === 0 || !Number.isFinite(rate)) return null;
  const spread = answers < needs.answers || windows.length < needs.batches ? 0 : halfRange(windows);
  const half = Math.max(spread, (normalQuantile(0.975) * rate) / Math.sqrt(answers));
  return { rate, low: Math.max(0, rate - half), high: rate + half };
}

function withoutEnds(windows: readonly Window[], latencySeconds: number): [from: number, to: number] {
  const endSeconds = windows.at(-1)?.atSeconds ?? 0;
  const from = windows.findIndex(({ atSeconds, seconds }) => atSeconds - seconds >= latencySeconds);
  const to = windows.findLastIndex(({ atSeconds }) => atSeconds <= endSeconds - latencySeconds) + 1;
  return from === -1 || to <= from ? [0, 0] : [from, to];
}

function warmUp(windows: readonly Window[]): number {
  const rates = windows.map((window) => windowRate([window]));
  const errors = rates.slice(0, Math.floor(rates.length / 2)).map((_, at) => marginalError(rates.slice(at)));
  return errors.reduce((best, error, at) => (error < (errors[best] ?? 0) ? at : best), 0);
}

function marginalError(rates: number[]): number {
  const mean = average(rates);
  return rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / rates.length ** 2;
}

/** The trend that is worth telling. A rise of the whole trial that its steady part does not have is its warm-up. */
const toldOf = (trend: Trend | null): number | null =>
  trend !== null && trend.isClear && Math.abs(trend.change) >= minTrend ? trend.change : null;

const trendOf = (windows: readonly Window[], latencySeconds: number): Trend | null =>
  roundsLack(windows, latencySeconds) > 1 ? null : findTrend(batchRates(windows, needs.batches));

/** How many times longer a steady part would have to be; 1 or less: it is long enough. */
function lackOf(part: readonly Window[], latencySeconds: number): number {
  const lack = Math.max(needs.answers / answersOf(part), roundsLack(part, latencySeconds));
  // Four times as many requests halve the range.
  return lack > 1 ? lack : Math.min(maxLack, (halfRange(part) / windowRate(part) / needs.halfRange) ** 2);
}

const roundsLack = (part: readonly Window[], latencySeconds: number): number =>
  part.length < needs.batches ? Infinity : (needs.batches * latencySeconds) / secondsOf(part);

/** Requests that a steady trial needs, its warm-up and tail included, in two figures. Null where nothing succeeded. */
function neededOf(
  windows: readonly Window[],
  { lack, latencySeconds }: { lack: number; latencySeconds: number },
): number | null {
  const ended = windows.reduce((sum, { requests }) => sum + requests, 0);
  if (latencySeconds === 0) return null;
  // By Little's law this many requests are in flight: one round of them.
  const round = (ended / secondsOf(windows)) * latencySeconds;
  const minimum = Math.max(2 * needs.answers, 1.5 * needs.batches * round, 1.2 * ended);
  const wanted = Number.isFinite(lack) ? Math.max(minimum, 1.2 * lack * ended) : minimum;
  const step = 10 ** (Math.ceil(Math.log10(wanted)) - 2);
  return Math.ceil(wanted / step) * step;
}

function generationRateOf(windows: readonly Window[]): number | null {
  const tokens = windows.reduce<number | null>((sum, window) => addMeasured(sum, window.completionTokens), 0);
  return tokens === null ? null : tokens / secondsOf(windows);
}
