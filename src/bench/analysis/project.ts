import type { Trial } from './analysis.ts';
import { halfRange, meanOf, windowRate } from '../statistics/mean.ts';
import type { Range } from '../statistics/steady.ts';
import { usualWindows } from './verdicts/evidence.ts';

/** Prices of a million tokens, in any currency; null: not given. */
export interface Prices {
  in: number | null;
  out: number | null;
}

/** Time, tokens, energy and money that a number of requests would take; null where not measured. */
export interface Estimate {
  /** Hours by the rate and its 95 % range; `high` is null where the range begins at 0. */
  hours: { expected: number; low: number | null; high: number | null } | null;
  /** They are of a steady rate. */
  isSteady: boolean;
  promptTokens: number | null;
  /** Prompt tokens that no cache served; null: the engine does not report what its cache served. */
  computedTokens: number | null;
  completionTokens: number | null;
  /** Energy by the mean power of the GPUs; the rest of the machine is not measured. */
  kilowattHours: number | null;
  /** Cost of the tokens at the prices given. */
  money: number | null;
}

type Saved = Omit<Estimate, 'hours' | 'isSteady'> & { hours: number | null };

export interface Projection {
  requests: number;
  estimate: Estimate;
  baseline: Estimate | null;
  /** Baseline minus estimate: negative where the baseline is better. */
  saved: Saved | null;
}

export interface Projected {
  trial: Trial;
  /** The trial with the strategy "baseline" that it is compared with. */
  baseline: Trial | null;
}

/** Projects a trial to each number of requests, beside its baseline. */
export function project({ trial, baseline }: Projected, counts: readonly number[], prices: Prices): Projection[] {
  return counts.map((requests) => {
    const tokens = tokensOf(trial);
    const estimate = estimateOf(trial, tokens, { requests, prices });
    const other = baseline && estimateOf(baseline, coldTokensOf(baseline, trial), { requests, prices });
    return { requests, estimate, baseline: other, saved: other === null ? null : savedBy(estimate, other) };
  });
}

function estimateOf(
  trial: Trial,
  { prompt, computed, completion }: RequestTokens,
  { requests, prices }: { requests: number; prices: Prices },
): Estimate {
  const hours = hoursOf(trial, requests);
  const watts = meanOf(usualWindows(trial).map(({ gpu }) => gpu?.powerWatts));
  const ofAll = (each: number | null): number | null => (each === null ? null : each * requests);
  return {
    hours,
    isSteady: trial.steady.isSteady,
    promptTokens: ofAll(prompt),
    computedTokens: ofAll(computed),
    completionTokens: ofAll(completion),
    kilowattHours: hours === null || watts === null ? null : (hours.expected * watts) / 1000,
    money: moneyOf(ofAll(prompt), ofAll(completion), prices),
  };
}

function hoursOf(trial: Trial, requests: number): Estimate['hours'] {
  const range = rangeOf(trial);
  if (range === null) return null;
  // The rate is that of the answers, and a request that fails is done too.
  const { succeeded, failed } = trial.record;
  const answers = (requests * succeeded) / (succeeded + failed);
  const hoursAt = (perSecond: number): number | null => (perSecond > 0 ? answers / perSecond / 3600 : null);
  return { expected: answers / range.rate / 3600, low: hoursAt(range.high), high: hoursAt(range.low) };
}

/**
 * The rate of the steady part, else the rough one. A baseline is one request after the other, each on a cold model: a
 * few of them say how long all take.
 */
function rangeOf({ record: { spec }, windows, steady }: Trial): Range | null {
  const { rate, low, high, rough } = steady;
  if (rate !== null && low !== null && high !== null) return { rate, low, high };
  if (spec.strategy !== 'baseline' || windows.length < minWindows) return rough;
  const ofAll = windowRate(windows);
  const half = Math.min(halfRange(windows), maxHalfRange * ofAll);
  return { rate: ofAll, low: ofAll - half, high: ofAll + half };
}

const minWindows = 10;
/** Half of a range, as a share of the rate: that of few requests may reach below nothing. */
const maxHalfRange = 0.75;

/** Tokens of a request that ended, answered or not, in the mean. Null: not measured. */
interface RequestTokens {
  prompt: number | null;
  /** Prompt tokens that no cache served. */
  computed: number | null;
  completion: number | null;
}

/**
 * What a request costs. With all that its failed attempts took, where that was counted; where it was not, the mean of
 * the answers says more than a sum with holes.
 */
function tokensOf({ record: { summary, succeeded, failed } }: Trial): RequestTokens {
  const { tokens } = summary;
  const isCounted = tokens.uncounted === 0;
  const { prompt, completion } = isCounted ? tokens : tokens.answered;
  const requests = isCounted ? succeeded + failed : succeeded;
  const ofEach = (sum: number | null): number | null => (sum === null || succeeded === 0 ? null : sum / requests);
  const each = { prompt: ofEach(prompt), completion: ofEach(completion) };
  const isComputed = tokens.cached !== null && tokens.prompt !== null && tokens.prompt > 0 && each.prompt !== null;
  const share = isComputed ? 1 - tokens.cached! / tokens.prompt! : null;
  return { ...each, computed: share === null ? null : each.prompt! * share };
}

/**
 * A cold model computes every token. The few requests of a baseline are no measure of how many there are where the
 * other trial sends the same requests, each alone.
 */
function coldTokensOf(baseline: Trial, trial: Trial): RequestTokens {
  const tokens = tokensOf(trial.record.spec.strategy === 'conversation' ? baseline : trial);
  return { ...tokens, computed: tokens.prompt };
}

function moneyOf(prompt: number | null, completion: number | null, prices: Prices): number | null {
  if (prices.in === null && prices.out === null) return null;
  if (prompt === null || completion === null) return null;
  return (prompt * (prices.in ?? 0) + completion * (prices.out ?? 0)) / 1e6;
}

function savedBy({ hours, isSteady: _isSteady, ...counts }: Estimate, baseline: Estimate): Saved {
  const names = Object.keys(counts) as (keyof typeof counts)[];
  const saved = Object.fromEntries(names.map((name) => [name, lessOf(baseline[name], counts[name])]));
  return { hours: lessOf(baseline.hours?.expected ?? null, hours?.expected ?? null), ...(saved as typeof counts) };
}

const lessOf = (from: number | null, part: number | null): number | null =>
  from === null || part === null ? null : from - part;
