/** Stops a run in which too much fails, rather than write 170,000 failures. */
export interface Breaker {
  add: (failed: boolean) => void;
  /** The share of failures that tripped it, or null. */
  tripped: () => number | null;
}

/** Judged over this many results; not before half of them are there, so that a short bad stretch passes. */
const windowSize = 100;
const fewest = windowSize / 2;

export function createBreaker(maxErrorRate: number): Breaker {
  const window = new Uint8Array(windowSize);
  let count = 0;
  let failures = 0;
  return {
    add(failed) {
      const slot = count % windowSize;
      failures += Number(failed) - (window[slot] ?? 0);
      window[slot] = Number(failed);
      count++;
    },
    tripped() {
      const rate = failures / Math.min(count, windowSize);
      return count >= fewest && rate > maxErrorRate ? rate : null;
    },
  };
}
