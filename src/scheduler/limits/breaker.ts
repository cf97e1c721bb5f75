/** Stops a run in which too much fails, rather than write 170,000 failures. */
export interface Breaker {
  /** Takes the end of one request. */
  add: (failed: boolean) => void;
  /** The share of failures that tripped the breaker; null while it has not tripped. */
  tripped: () => number | null;
  /** Forgets what was seen so far, and takes nothing for granted: before the first success, one failure trips it. */
  reset: () => void;
}

/** The last results that are judged; not before half of them are there, so that a short bad stretch passes. */
const windowSize = 100;
const minResults = windowSize / 2;

export function createBreaker(maxErrorRate: number): Breaker {
  const window = new Uint8Array(windowSize);
  let count = 0;
  let failures = 0;
  let isOnTrial = false;
  return {
    add(failed) {
      const slot = count % windowSize;
      failures += Number(failed) - (window[slot] ?? 0);
      window[slot] = Number(failed);
      count++;
      isOnTrial &&= failed;
    },
    reset() {
      isOnTrial = true;
      window.fill(0);
      count = 0;
      failures = 0;
    },
    tripped() {
      const rate = failures / Math.min(count, windowSize);
      return count >= (isOnTrial ? 1 : minResults) && rate > maxErrorRate ? rate : null;
    },
  };
}
