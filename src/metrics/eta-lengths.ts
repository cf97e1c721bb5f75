/** Bins of lengths are so much wider each than the one before: fine enough for 2 %. */
const growth = 1.02;
const binsPerFold = 1 / Math.log(growth);
/** From 1 to 1e9: tokens, or milliseconds. */
const binCount = 1050;

/** The lengths of answers in bins: how many ended in each, and the sum of their lengths. */
interface Ended {
  counts: Float64Array;
  sums: Float64Array;
}

/** How long answers are: those that ended, and what is known of those in flight, which are at least as long as they are now. */
export interface Lengths {
  /** Counts an answer that ended. */
  add(length: number): void;
  /**
   * The curve as of now. `inFlight`: how long each answer in flight is so far; `limit`: how long one gets at most, if that is known.
   * Null before an answer has ended.
   */
  read(inFlight: readonly number[], limit?: number): LengthCurve | null;
}

export interface LengthCurve {
  mean: number;
  /** Standard deviation of one length. */
  deviation: number;
  /** Number of ended answers that it is made of. */
  ended: number;
  /** How long an answer gets at most; Infinity where that isn't known. */
  limit: number;
  /** Share of all answers that are longer than the longest one that ended. */
  beyond: number;
  /** That share, less so much as a limit close behind that longest one tells of them. */
  unknown: number;
  /** The length that a share `level` (0 to 1) of all answers longer than `so` far is longer than. */
  draw(level: number, so?: number): number;
  /** Cumulative hazard: the number of ends to expect, by the curve, from an answer that is watched up to this length. */
  hazard(length: number): number;
}

const binOf = (length: number): number =>
  length < 1 ? 0 : Math.min(binCount - 1, 1 + Math.floor(Math.log(length) * binsPerFold));

/**
 * The estimate of Kaplan and Meier (1958): of the first ended answers of 256 a mean would hold only the short ones, since the long
 * ones are in flight. Here each length counts against all that came as far. Beyond the longest one that ended the curve goes on
 * at the rate of ends that its upper half has, which is an exponential tail.
 */
/** An answer, and how long it was when it was looked at last. */
export interface SeenAnswer {
  length: number;
  hasEnded: boolean;
}

/** The curve of some answers; null where none has ended. */
export function readCurve(watched: readonly SeenAnswer[], limit: number): LengthCurve | null {
  const lengths = createLengths();
  for (const { length, hasEnded } of watched) if (hasEnded) lengths.add(length);
  const inFlight = watched.filter(({ hasEnded }) => !hasEnded);
  return lengths.read(
    inFlight.map(({ length }) => length),
    limit,
  );
}

export function createLengths(): Lengths {
  const ended: Ended = { counts: new Float64Array(binCount), sums: new Float64Array(binCount) };
  let total = 0;
  return {
    add(length) {
      const bin = binOf(length);
      ended.counts[bin]! += 1;
      ended.sums[bin]! += length;
      total++;
    },
    read(inFlight, limit = Infinity) {
      if (total === 0) return null;
      return readSteps(stepsOf(ended, total, inFlight), total, limit);
    },
  };
}

/** The steps of a curve, one for each length at which answers ended, the shortest first. */
interface Steps {
  count: number;
  lengths: Float64Array;
  /** Share of all answers that are longer. */
  shares: Float64Array;
  /** Cumulative hazard, with this step. */
  hazards: Float64Array;
  /** How much longer, on average, answers are that are longer than the last step. */
  tailMean: number;
}

function stepsOf({ counts, sums }: Ended, total: number, inFlight: readonly number[]): Steps {
  const censored = new Float64Array(binCount);
  for (const length of inFlight) censored[binOf(length)]! += 1;
  const steps: Steps = {
    count: 0,
    lengths: new Float64Array(binCount),
    shares: new Float64Array(binCount),
    hazards: new Float64Array(binCount),
    tailMean: 0,
  };
  let atRisk = total + inFlight.length;
  let share = 1;
  let hazard = 0;
  // Of the upper half: ends, and lengths that were watched for an end.
  let [ends, watched, from] = [0, 0, 0];
  for (let bin = 0; bin < binCount && atRisk > 0; bin++) {
    const count = counts[bin]!;
    if (count > 0) {
      const length = sums[bin]! / count;
      share *= 1 - count / atRisk;
      hazard += count / atRisk;
      steps.lengths[steps.count] = length;
      steps.shares[steps.count] = share;
      steps.hazards[steps.count++] = hazard;
      if (share < 0.5) {
        ends += count;
        watched += atRisk * Math.max(length - from, length * (growth - 1));
      }
      from = length;
    }
    atRisk -= count + censored[bin]!;
  }
  steps.tailMean = ends > 0 ? watched / ends : from;
  return steps;
}

function readSteps(steps: Steps, ended: number, limit: number): LengthCurve {
  const { count, lengths, shares, hazards, tailMean } = steps;
  const last = lengths[count - 1]!;
  const beyond = shares[count - 1]!;
  const tail = tailTo(limit - last, tailMean);
  let mean = beyond * (last + tail.mean);
  let square = beyond * (last * last + 2 * last * tail.mean + tail.square);
  for (let at = 0; at < count; at++) {
    const mass = (at === 0 ? 1 : shares[at - 1]!) - shares[at]!;
    mean += mass * lengths[at]!;
    square += mass * lengths[at]! ** 2;
  }
  const longerThan = (length: number): number => firstAbove(lengths, count, length);
  return {
    mean,
    deviation: Math.sqrt(Math.max(0, square - mean * mean)),
    ended,
    limit,
    beyond,
    unknown: beyond * Math.min(1, Math.max(0, limit / last - 1)),
    draw(level, so = 0) {
      const at = so === 0 ? 0 : longerThan(so);
      if (at === count) return so - tailMean * Math.log(level);
      const wanted = level * (at === 0 ? 1 : shares[at - 1]!);
      return wanted < beyond
        ? last - tailMean * Math.log(wanted / beyond)
        : lengths[firstNotAbove(shares, count, wanted)]!;
    },
    hazard(length) {
      const at = longerThan(length);
      return at === 0 ? 0 : hazards[at - 1]! + (at === count ? (length - last) / tailMean : 0);
    },
  };
}

/** Mean and mean square of an exponential tail with this mean that ends at `room`. */
function tailTo(room: number, tailMean: number): { mean: number; square: number } {
  if (room === Infinity) return { mean: tailMean, square: 2 * tailMean * tailMean };
  const cut = Math.exp(-Math.max(0, room) / tailMean);
  const mean = tailMean * (1 - cut);
  return { mean, square: 2 * tailMean * (mean - Math.max(0, room) * cut) };
}

/** The first index of ascending values with one above this one. */
function firstAbove(values: Float64Array, count: number, value: number): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The first index of descending values with one that is at most this one. */
function firstNotAbove(values: Float64Array, count: number, value: number): number {
  let [low, high] = [0, count - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! <= value) high = middle;
    else low = middle + 1;
  }
  return low;
}
