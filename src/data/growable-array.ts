type NumberArray = Float64Array | Uint32Array | Uint8Array;

/** A typed array that grows: one number a row, `initial` where nothing was set. */
export interface GrowableArray {
  get: (row: number) => number;
  set: (row: number, value: number) => void;
}

function createGrowableArray(make: (length: number) => NumberArray, initial = 0): GrowableArray {
  let values = make(1024).fill(initial);
  return {
    get: (row) => values[row] ?? initial,
    set(row, value) {
      if (row >= values.length) {
        const grown = make(Math.max(row + 1, values.length * 2)).fill(initial, values.length);
        grown.set(values);
        values = grown;
      }
      values[row] = value;
    },
  };
}

export const float64Column = (initial = 0): GrowableArray =>
  createGrowableArray((length) => new Float64Array(length), initial);
export const uint32Column = (): GrowableArray => createGrowableArray((length) => new Uint32Array(length));
export const uint8Column = (): GrowableArray => createGrowableArray((length) => new Uint8Array(length));
