/** The factor between two counts of the same things, learned from pairs of them. */
export interface SteadyRatio {
  add(counted: number, real: number): void;
  /** How many real ones stand for one counted; 1 while too few pairs are known, and where their ratios differ much. */
  read(): number;
}

/** What a pair weighs when the next one has come: about the last twenty count. */
const fading = 0.95;
const minPairs = 3;
/** The least square of the cosine between the counts: at 0.95 the pairs are within about a fifth of their common ratio. */
const minSteadiness = 0.95;

/** Fits a line through the origin by least squares, so that a large pair, which says most, counts most. */
export function createSteadyRatio(): SteadyRatio {
  const sums = { counted2: 0, both: 0, real2: 0 };
  let pairs = 0;
  let ratio = 1;
  return {
    add(counted, real) {
      sums.counted2 = sums.counted2 * fading + counted * counted;
      sums.both = sums.both * fading + counted * real;
      sums.real2 = sums.real2 * fading + real * real;
      pairs++;
      const isSteady = pairs >= minPairs && sums.both ** 2 >= minSteadiness * sums.counted2 * sums.real2;
      ratio = isSteady && sums.both > 0 ? sums.both / sums.counted2 : 1;
    },
    read: () => ratio,
  };
}
