const maxBuckets = 60;

export interface RateOverTime {
  /** ISO 8601: where the first bucket begins. */
  startedAt: string;
  bucketSeconds: number;
  /** Requests per second, bucket after bucket; 0 where none ended. */
  rates: number[];
}

export interface RateOverTimeFold {
  /** Epoch milliseconds, in any order; 0 or NaN is not a time, and not counted. */
  add(endedAt: number): void;
  /** Null where nothing was added. */
  read(): RateOverTime | null;
}

/** Counts in at most 60 buckets of equal width. A bucket is a second at first, and twice as wide each time there are too many. */
export function createRateOverTime(): RateOverTimeFold {
  let bucketSeconds = 1;
  let counts = new Map<number, number>();
  let first = Infinity;
  let last = -Infinity;

  const widen = (): void => {
    bucketSeconds *= 2;
    first = Math.floor(first / 2);
    last = Math.floor(last / 2);
    const wider = new Map<number, number>();
    for (const [bucket, count] of counts) addTo(wider, Math.floor(bucket / 2), count);
    counts = wider;
    if (last - first >= maxBuckets) widen();
  };

  return {
    add(endedAt) {
      if (!(endedAt > 0)) return;
      const bucket = Math.floor(endedAt / 1000 / bucketSeconds);
      addTo(counts, bucket, 1);
      first = Math.min(first, bucket);
      last = Math.max(last, bucket);
      if (last - first >= maxBuckets) widen();
    },
    read() {
      if (counts.size === 0) return null;
      const rates = Array.from({ length: last - first + 1 }, (_, at) => (counts.get(first + at) ?? 0) / bucketSeconds);
      return { startedAt: new Date(first * bucketSeconds * 1000).toISOString(), bucketSeconds, rates };
    },
  };
}

const addTo = (counts: Map<number, number>, bucket: number, count: number): void =>
  void counts.set(bucket, (counts.get(bucket) ?? 0) + count);
