/** How many values lie in [from, to). */
export interface Bin {
  from: number;
  to: number;
  count: number;
}

export interface HistogramFold {
  /** Null is not counted. */
  add(value: number | null): void;
  /** Bins that lie side by side, from the first with a value to the last; none where nothing was added. */
  read(): Bin[];
}

const maxBins = 40;
const binsPerDecade = 10;

/** Bins of equal width: 1 at first, and twice as wide each time there are too many. */
export function createLinearHistogram(): HistogramFold {
  let width = 1;
  let counts = new Map<number, number>();

  const widen = (): void => {
    width *= 2;
    const wider = new Map<number, number>();
    for (const [bin, count] of counts) addTo(wider, Math.floor(bin / 2), count);
    counts = wider;
  };

  return {
    add(value) {
      if (value === null) return;
      const bin = Math.floor(value / width);
      const isNew = !counts.has(bin);
      addTo(counts, bin, 1);
      if (isNew) while (span(counts) > maxBins) widen();
    },
    read: () => binsOf(counts, (bin) => bin * width),
  };
}

/** Ten bins to each power of ten: for times, whose slowest are a hundred times the rest. Values below 1 count as 1. */
export function createLogHistogram(): HistogramFold {
  const counts = new Map<number, number>();
  return {
    add: (value) =>
      value === null ? undefined : addTo(counts, Math.floor(Math.log10(Math.max(1, value)) * binsPerDecade), 1),
    read: () => binsOf(counts, (bin) => 10 ** (bin / binsPerDecade)),
  };
}

const addTo = (counts: Map<number, number>, bin: number, count: number): void =>
  void counts.set(bin, (counts.get(bin) ?? 0) + count);

const span = (counts: Map<number, number>): number => Math.max(...counts.keys()) - Math.min(...counts.keys()) + 1;

function binsOf(counts: Map<number, number>, edge: (bin: number) => number): Bin[] {
  if (counts.size === 0) return [];
  const first = Math.min(...counts.keys());
  return Array.from({ length: span(counts) }, (_, at) => ({
    from: edge(first + at),
    to: edge(first + at + 1),
    count: counts.get(first + at) ?? 0,
  }));
}
