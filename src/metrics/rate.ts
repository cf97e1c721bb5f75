/** Seconds that the sliding window of a rate covers. */
const windowSeconds = 60;
/** The spread of the rate is taken over at most this many parts of the window, which is ten seconds each once it is full. */
const maxParts = 6;

export interface Rate {
  /**
   * Adds an amount that came evenly over the last `overMs` milliseconds, by default all at once. Times are milliseconds of the
   * caller's clock here and below.
   */
  add(amount: number, atMs: number, overMs?: number): void;
  /** Amount per second over the last minute; null in the first second and before anything was added. */
  perSecond(nowMs: number): number | null;
  /** Standard error of that rate, from how much the parts of the window differ; null with fewer than two parts. */
  standardError(nowMs: number): number | null;
}

/** Creates a sliding rate over the last minute, kept in one bucket a second. `startMs` is a time of the caller's clock. */
export function createRate(startMs: number): Rate {
  const buckets = new Float64Array(windowSeconds);
  let newest = 0;
  let isEmpty = true;

  const advance = (atMs: number): void => {
    const second = Math.floor((atMs - startMs) / 1000);
    if (second - newest >= windowSeconds) buckets.fill(0);
    else for (let passed = newest + 1; passed <= second; passed++) buckets[passed % windowSeconds] = 0;
    newest = Math.max(newest, second);
  };

  return {
    add(amount, atMs, overMs = 0) {
      advance(atMs);
      isEmpty = false;
      const seconds = Math.max(1, Math.min(Math.ceil(overMs / 1000), newest + 1));
      const before = newest - Math.min(seconds, windowSeconds);
      for (let second = newest; second > before; second--) {
        const slot = second % windowSeconds;
        buckets[slot] = (buckets[slot] ?? 0) + amount / seconds;
      }
    },
    perSecond(nowMs) {
      const elapsedSeconds = (nowMs - startMs) / 1000;
      if (isEmpty || elapsedSeconds < 1) return null;
      advance(nowMs);
      const spanSeconds = Math.min(elapsedSeconds, windowSeconds - 1 + (elapsedSeconds % 1));
      // Amounts that take back what was added before the window may be in it.
      return Math.max(0, buckets.reduce((total, amount) => total + amount, 0) / spanSeconds);
    },
    standardError(nowMs) {
      advance(nowMs);
      const wholeSeconds = Math.min(newest, windowSeconds - 1);
      const partSeconds = Math.ceil(wholeSeconds / maxParts);
      const parts = Math.floor(wholeSeconds / partSeconds);
      if (!(parts >= 2)) return null;
      const rates = Array.from({ length: parts }, (_, part) => {
        const last = newest - 1 - part * partSeconds;
        return sumBack(buckets, last, partSeconds) / partSeconds;
      });
      return standardErrorOf(rates);
    },
  };
}

function sumBack(buckets: Float64Array, last: number, count: number): number {
  let total = 0;
  for (let second = last; second > last - count; second--) total += buckets[second % windowSeconds] ?? 0;
  return total;
}

function standardErrorOf(values: number[]): number {
  const mean = values.reduce((total, value) => total + value, 0) / values.length;
  const squares = values.reduce((total, value) => total + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1) / values.length);
}
