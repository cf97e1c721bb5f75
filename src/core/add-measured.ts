/** A sum with a part that was not measured is not known. */
export const addMeasured = (sum: number | null, part: number | null): number | null =>
  sum === null || part === null ? null : sum + part;
