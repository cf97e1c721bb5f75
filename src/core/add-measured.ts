/** A sum with a part that was not measured is not known. */
export const addMeasured = (sum: number | null, part: number | null): number | null =>
  sum === null || part === null ? null : sum + part;

/** A sum of what is reported; null where nothing is. */
export const addReported = (sum: number | null, part: number | null): number | null =>
  sum === null || part === null ? (sum ?? part) : sum + part;
