import { createDoublingBins } from '../../data/doubling-bins.ts';

/** How many values lie in [from, to). */
export interface Bin {
  from: number;
  to: number;
  count: number;
}

export interface HistogramFold {
  /** Counts a value; null, which is "not measured", is not counted. */
  add(value: number | null): void;
  /** Bins side by side, from the first with a value to the last; none where nothing was added. */
  read(): Bin[];
}

const maxBins = 40;
const binsPerDecade = 10;

/** Counts values in at most 40 bins of equal width, of 1 or more. */
export const createLinearHistogram = (): HistogramFold =>
  createHistogram(
    maxBins,
    (value) => value,
    (position) => position,
  );

/**
 * Counts values in ten bins to each power of ten: for times, of which the slowest take a hundred times as long as most.
 * Values below 1 count as 1.
 */
export const createLogHistogram = (): HistogramFold =>
  createHistogram(
    Infinity,
    (value) => Math.log10(Math.max(1, value)) * binsPerDecade,
    (position) => 10 ** (position / binsPerDecade),
  );

/** `positionOf` places a value on a line that is cut into equal bins, and `valueAt` is its inverse. */
function createHistogram(
  maxCount: number,
  positionOf: (value: number) => number,
  valueAt: (position: number) => number,
): HistogramFold {
  const bins = createDoublingBins<number>({ minWidth: 1, maxBins: maxCount, merge: (left, right) => left + right });
  return {
    add(value) {
      if (value !== null) bins.add(positionOf(value), 1);
    },
    read() {
      const { width, first, values } = bins.read() ?? { width: 1, first: 0, values: [] };
      const edge = (bin: number): number => valueAt((first + bin) * width);
      return values.map((count = 0, at) => ({ from: edge(at), to: edge(at + 1), count }));
    },
  };
}
