import type { RunEvent } from '../core/events.ts';
import type { TokenRate } from '../core/snapshot/rates.ts';
import { createRate } from './rate.ts';

/** Share of the tokens that must count soon after they are made for the rate to be one of what the engine makes. */
const minLiveShare = 0.8;
/** A request of at most so many milliseconds is as good as told while it goes on: its end is no lag. */
const shortMs = 2000;
/** What came before an attempt ended weighs so much less after it: about the last twenty attempts count for the share. */
const fading = 0.95;

export type AttemptEnd = Extract<RunEvent, { type: 'request-end' }>;

export interface TokenMeter {
  /** Adds tokens that the engine told of since the last call, 0 too. Times are milliseconds of the caller's clock here and below. */
  addLive(tokens: number, atMs: number): void;
  /** Adds the tokens that the count of an ended attempt has beside those; null: nobody counted them. */
  addEnded(tokens: number | null, end: AttemptEnd, atMs: number): void;
  /** `isBusy`: requests are in flight. */
  read(nowMs: number, isBusy: boolean): TokenRate;
}

/** Measures tokens per second since `startMs`, as they are made where the engine tells, else as answers end. */
export function createTokenMeter(startMs: number): TokenMeter {
  const rate = createRate(startMs);
  const share = { live: 0, rest: 0 };
  let sum = 0;
  let toldAtMs = startMs;
  let isEmpty = true;
  let isTold = false;
  let isUncounted = false;

  const basisOf = (): TokenRate['basis'] => {
    const all = share.live + share.rest;
    if (all === 0) return null;
    return share.live >= minLiveShare * all ? 'live' : 'ended';
  };
  return {
    addLive(tokens, atMs) {
      toldAtMs = atMs;
      if (tokens === 0) return;
      isEmpty = false;
      isTold = true;
      sum += tokens;
      share.live += tokens;
      rate.add(tokens, atMs);
    },
    addEnded(tokens, { rest, isAnswered, latencyMs }, atMs) {
      // An attempt that broke off counts with the tokens that are known. After an answer without them, no rate is known.
      if (tokens === null) {
        isUncounted ||= isAnswered;
        return;
      }
      isEmpty = false;
      sum += tokens;
      share.live *= fading;
      share.rest *= fading;
      share[latencyMs > shortMs ? 'rest' : 'live'] += Math.abs(tokens);
      rate.add(tokens, atMs, rest?.overMs);
    },
    read(nowMs, isBusy) {
      const basis = basisOf();
      if (isEmpty || isUncounted) return { recent: null, overall: null, basis };
      const isLive = basis === 'live' && isTold;
      // What came since the engine was last asked is not there yet.
      const atMs = isLive && isBusy ? toldAtMs : nowMs;
      const recent = rate.perSecond(atMs);
      const overall = atMs > startMs ? Math.max(0, (1000 * sum) / (atMs - startMs)) : null;
      // That no answer has ended for a minute does not say that none is being written.
      if (recent === 0 && isBusy && !isLive) return { recent: null, overall, basis: 'ended' };
      return { recent, overall, basis };
    },
  };
}
