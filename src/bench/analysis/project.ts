import type { TrialAnalysis } from './analysis.ts';
import { halfRange, rateOf, meanOf } from '../statistics/mean.ts';
import type { Steady } from '../statistics/steady.ts';
import { type RequestTokens, tokensOfRequest } from './tokens-of-request.ts';
import { usualWindows } from './verdicts/evidence.ts';

/** Per million tokens, in whatever currency; null: not asked for. */
export interface Prices {
  in: number | null;
  out: number | null;
}

/** What so many requests would take. Null: not measured, or not steady and so not to be promised. */
export interface Estimate {
  /** By the steady rate and its 95 % range. */
  hours: { expected: number; low: number; high: number } | null;
  promptTokens: number | null;
  /** Prompt tokens that no cache served; null: the engine does not report what its cache served. */
  computedTokens: number | null;
  completionTokens: number | null;
  /** By the mean power of the GPUs; the rest of the machine is not measured. */
  kilowattHours: number | null;
  /** Of the tokens, at the prices given. */
  money: number | null;
}

type Saved = Omit<Estimate, 'hours'> & { hours: number | null };

export interface Projection {
  requests: number;
  estimate: Estimate;
  baseline: Estimate | null;
  /** Baseline less estimate: negative where the baseline is better. */
  saved: Saved | null;
}

export interface Projected {
  trial: TrialAnalysis;
  /** The trial with the strategy "baseline" that it is compared with. */
  baseline: TrialAnalysis | null;
}

/** Projects a trial to each number of requests, beside its baseline. A trial that is not steady gives tokens and no times. */
export function project({ trial, baseline }: Projected, counts: readonly number[], prices: Prices): Projection[] {
  return counts.map((requests) => {
    const tokens = tokensOf(trial);
    const estimate = estimateOf(trial, tokens, { requests, prices });
    const other = baseline && estimateOf(baseline, coldTokensOf(baseline, trial), { requests, prices });
    return { requests, estimate, baseline: other, saved: other === null ? null : savedBy(estimate, other) };
  });
}

function estimateOf(
  trial: TrialAnalysis,
  { prompt, computed, completion }: RequestTokens,
  { requests, prices }: { requests: number; prices: Prices },
): Estimate {
  const hours = hoursOf(trial, requests);
  const watts = meanOf(usualWindows(trial).map(({ gpu }) => gpu?.power_watts));
  const ofAll = (each: number | null): number | null => (each === null ? null : each * requests);
  return {
    hours,
    promptTokens: ofAll(prompt),
    computedTokens: ofAll(computed),
    completionTokens: ofAll(completion),
    kilowattHours: hours === null || watts === null ? null : (hours.expected * watts) / 1000,
    money: moneyOf(ofAll(prompt), ofAll(completion), prices),
  };
}

function hoursOf(trial: TrialAnalysis, requests: number): Estimate['hours'] {
  const { rate, low, high } = rateRange(trial);
  if (rate === null || low === null || high === null || low <= 0) return null;
  // The rate is that of the answers, and a request that fails is done too.
  const { succeeded, failed } = trial.record;
  const answers = (requests * succeeded) / (succeeded + failed);
  const hoursAt = (perSecond: number): number => answers / perSecond / 3600;
  return { expected: hoursAt(rate), low: hoursAt(high), high: hoursAt(low) };
}

/** A baseline is one request after the other, each on a cold model: a few of them, within a wide range, say how long all take. */
function rateRange({ record: { spec, windows }, steady }: TrialAnalysis): Pick<Steady, 'rate' | 'low' | 'high'> {
  if (steady.rate !== null || spec.strategy !== 'baseline' || windows.length < minWindows) return steady;
  const rate = rateOf(windows);
  const half = Math.min(halfRange(windows), widestShare * rate);
  return { rate, low: rate - half, high: rate + half };
}

const minWindows = 10;
/** The range of few requests may reach below nothing. */
const widestShare = 0.75;

const tokensOf = ({ record: { summary, succeeded, failed } }: TrialAnalysis): RequestTokens =>
  tokensOfRequest({ tokens: summary.tokens, succeeded, failed });

/**
 * A cold model computes every token. The few requests of a baseline are no measure of how many there are where the other trial
 * sends the same requests, each alone.
 */
function coldTokensOf(baseline: TrialAnalysis, trial: TrialAnalysis): RequestTokens {
  const tokens = tokensOf(trial.record.spec.strategy === 'conversation' ? baseline : trial);
  return { ...tokens, computed: tokens.prompt };
}

function moneyOf(prompt: number | null, completion: number | null, prices: Prices): number | null {
  if (prices.in === null && prices.out === null) return null;
  if (prompt === null || completion === null) return null;
  return (prompt * (prices.in ?? 0) + completion * (prices.out ?? 0)) / 1e6;
}

const savedBy = (estimate: Estimate, baseline: Estimate): Saved => ({
  hours: lessOf(baseline.hours?.expected ?? null, estimate.hours?.expected ?? null),
  promptTokens: lessOf(baseline.promptTokens, estimate.promptTokens),
  computedTokens: lessOf(baseline.computedTokens, estimate.computedTokens),
  completionTokens: lessOf(baseline.completionTokens, estimate.completionTokens),
  kilowattHours: lessOf(baseline.kilowattHours, estimate.kilowattHours),
  money: lessOf(baseline.money, estimate.money),
});

const lessOf = (from: number | null, part: number | null): number | null =>
  from === null || part === null ? null : from - part;
