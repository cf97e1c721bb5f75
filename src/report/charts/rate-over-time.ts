import { createDoublingBins } from '../../data/doubling-bins.ts';

const maxBuckets = 60;

/** How many requests ended per second, over the whole run. */
export interface RateOverTime {
  /** Beginning of the first bucket, in ISO 8601. */
  startedAt: string;
  bucketSeconds: number;
  /** Requests per second in each bucket, the earliest first; 0 where none ended. */
  rates: number[];
}

export interface RateOverTimeFold {
  /** Counts a request that ended at `endedAt`, in epoch milliseconds, in any order; 0 or NaN is not a time, and not counted. */
  add(endedAt: number): void;
  /** Null where nothing was counted. */
  read(): RateOverTime | null;
}

/** Counts requests in at most 60 buckets of equal width, of a second or more. */
export function createRateOverTime(): RateOverTimeFold {
  const buckets = createDoublingBins<number>({
    minWidth: 1,
    maxBins: maxBuckets,
    merge: (left, right) => left + right,
  });
  return {
    add(endedAt) {
      if (endedAt > 0) buckets.add(endedAt / 1000, 1);
    },
    read() {
      const read = buckets.read();
      if (read === null) return null;
      const { width: bucketSeconds, first, values } = read;
      const startedAt = new Date(first * bucketSeconds * 1000).toISOString();
      return { startedAt, bucketSeconds, rates: values.map((count = 0) => count / bucketSeconds) };
    },
  };
}
