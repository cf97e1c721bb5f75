/** Values in bins of equal width along a line. */
export interface DoublingBins<Value> {
  /** Adds a value at a position on the line. */
  add(position: number, value: Value): void;
  /** The bins side by side, from the first with a value to the last; null where nothing was added. */
  read(): { width: number; first: number; values: (Value | undefined)[] } | null;
}

/**
 * Bins of equal width, whose edges are multiples of it: `minWidth` at first, and twice as wide each time there are more than
 * `maxBins` (2 at least). Memory does not grow with the number of values where `merge` makes one value of two.
 */
export function createDoublingBins<Value>({
  minWidth,
  maxBins,
  merge,
}: {
  minWidth: number;
  maxBins: number;
  merge: (left: Value, right: Value) => Value;
}): DoublingBins<Value> {
  let width = minWidth;
  let bins = new Map<number, Value>();
  let first = Infinity;
  let last = -Infinity;

  const put = (into: Map<number, Value>, bin: number, value: Value): void => {
    const known = into.get(bin);
    into.set(bin, known === undefined ? value : merge(known, value));
  };
  const widen = (): void => {
    width *= 2;
    first = Math.floor(first / 2);
    last = Math.floor(last / 2);
    const wider = new Map<number, Value>();
    for (const [bin, value] of bins) put(wider, Math.floor(bin / 2), value);
    bins = wider;
    if (last - first >= maxBins) widen();
  };

  return {
    add(position, value) {
      const bin = Math.floor(position / width);
      put(bins, bin, value);
      first = Math.min(first, bin);
      last = Math.max(last, bin);
      if (last - first >= maxBins) widen();
    },
    read() {
      if (bins.size === 0) return null;
      const values = Array.from({ length: last - first + 1 }, (_, at) => bins.get(first + at));
      return { width, first, values };
    },
  };
}
