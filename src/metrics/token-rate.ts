import type { TokenRate } from '../core/snapshot.ts';
import { createRate } from './rate.ts';

/** Share of the tokens that the engine must tell of as it makes them for the rate to be one of what it makes. */
const minLiveShare = 0.8;
/** What came before an attempt ended weighs so much less after it: about the last twenty attempts count for the share. */
const fading = 0.95;

export interface TokenMeter {
  /** Adds tokens that the engine told of since the last call, 0 too. Times are milliseconds of the caller's clock here and below. */
  addLive(tokens: number, atMs: number): void;
  /** Adds the tokens that the count of an ended attempt has beside those, which came over the last `overMs` milliseconds, or at once. */
  addRest(tokens: number, atMs: number, overMs?: number): void;
  /** An answer has tokens that nobody counted: no rate is known any more. */
  addUncounted(): void;
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
      sum += tokens;
      share.live += tokens;
      rate.add(tokens, atMs);
    },
    addRest(tokens, atMs, overMs) {
      isEmpty = false;
      sum += tokens;
      share.live *= fading;
      share.rest = share.rest * fading + Math.abs(tokens);
      rate.add(tokens, atMs, overMs);
    },
    addUncounted: () => void (isUncounted = true),
    read(nowMs, isBusy) {
      const basis = basisOf();
      if (isEmpty || isUncounted) return { recent: null, overall: null, basis };
      // What came since the engine was last asked is not there yet.
      const atMs = basis === 'live' && isBusy ? toldAtMs : nowMs;
      const lastMinute = rate.perSecond(atMs);
      // That no answer has ended for a minute does not say that none is being written.
      const isUnknown = lastMinute === null || (basis === 'ended' && isBusy && lastMinute === 0);
      return {
        recent: isUnknown ? null : Math.max(0, lastMinute),
        overall: atMs > startMs ? Math.max(0, (1000 * sum) / (atMs - startMs)) : null,
        basis,
      };
    },
  };
}
