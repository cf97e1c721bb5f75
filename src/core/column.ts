type NumberArray = Float64Array | Uint32Array | Uint8Array;

/** A typed array that grows: one number a row, `initial` where nothing was set. */
export interface Column {
  get: (row: number) => number;
  set: (row: number, value: number) => void;
}

export function createColumn(make: (length: number) => NumberArray, initial = 0): Column {
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

export const float64Column = (initial = 0): Column => createColumn((length) => new Float64Array(length), initial);
export const uint32Column = (): Column => createColumn((length) => new Uint32Array(length));
export const uint8Column = (): Column => createColumn((length) => new Uint8Array(length));
