import type { ServerNumbers } from '../../core/snapshot/server-numbers.ts';

interface ClockState {
  is: ServerNumbers['state'];
  reason: string | null;
  /** It has requests in flight. */
  isBusy: boolean;
  /** Others use it, and the run gives way. */
  givesWay: boolean;
}

/** Sums the time that a server was away, and the time that it was up with nothing to do. */
export function createStateClock(createdAtMs: number) {
  let state: ClockState = { is: 'starting', reason: null, isBusy: false, givesWay: false };
  let since = createdAtMs;
  let lookedAt = createdAtMs;
  let sums = { awayMs: 0, idleMs: 0 };

  const isIdle = (): boolean => state.is === 'up' && !state.isBusy && !state.givesWay;
  const sumsAt = (atMs: number): typeof sums => {
    const ms = Math.max(0, atMs - lookedAt);
    if (isIdle()) return { ...sums, idleMs: sums.idleMs + ms };
    return state.is === 'away' || state.is === 'out' ? { ...sums, awayMs: sums.awayMs + ms } : sums;
  };
  return {
    is: () => state.is,
    /** `forMs`: it has been so for as long already. It was seen to be idle meanwhile, where it was up. */
    change(changes: Partial<ClockState>, atMs: number, forMs = 0) {
      const { awayMs, idleMs } = sumsAt(atMs);
      const seenIdleMs = isIdle() ? atMs - lookedAt : 0;
      sums = { awayMs: awayMs + forMs, idleMs: idleMs - Math.min(forMs, seenIdleMs) };
      lookedAt = atMs;
      if (changes.is !== undefined && changes.is !== state.is) since = atMs - forMs;
      state = { ...state, ...changes };
    },
    read(atMs: number) {
      const { awayMs, idleMs } = sumsAt(atMs);
      return {
        state: state.is,
        ...(state.is === 'up' && state.givesWay && { givesWay: true as const }),
        reason: state.reason,
        stateSeconds: Math.max(0, atMs - since) / 1000,
        awaySeconds: awayMs / 1000,
        idleSeconds: idleMs / 1000,
      };
    },
  };
}
