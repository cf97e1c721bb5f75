import { type LengthCurve, type SeenAnswer, readCurve } from './eta-lengths.ts';

/** So many answers that ended last are kept. */
const kept = 1024;
/** Standard errors that refute a curve: more than two, since the worst of all beginnings is looked for. */
const refutes = 4.5;

/** The most that one answer says against a curve: one that never ends does not make the others longer. */
const maxHazard = 3;
/** What is begun within so many milliseconds is looked at together. */
const together = 1;

/** An answer that was begun at this time, and how long it was watched. */
interface Begun extends SeenAnswer {
  startMs: number;
}

/** A curve, and the factors of its lengths that the newest answers do not refute. */
export interface FittingCurve {
  curve: LengthCurve;
  min: number;
  max: number;
}

/** Are the newest answers as long as those before? */
export interface LengthDrift {
  /** Counts an answer that ended. */
  add(length: number, startMs: number): void;
  /** The curve that fits the newest answers: the one of all, unless they refute it. */
  fit(all: LengthCurve, inFlight: readonly Begun[]): FittingCurve;
}

/**
 * Of the answers that were begun since some time, the curve expects so many to have ended, and how many have is a Poisson number.
 * Where they are too far apart for one such time, lengths have changed then, and only the answers since count.
 */
export function createLengthDrift(): LengthDrift {
  const ended: Begun[] = [];
  let next = 0;
  /** Of what was begun up to this time not all is kept. */
  let lostMs = -Infinity;
  return {
    add(length, startMs) {
      lostMs = Math.max(lostMs, ended[next]?.startMs ?? -Infinity);
      ended[next] = { length, hasEnded: true, startMs };
      next = (next + 1) % kept;
    },
    fit(all, inFlight) {
      const newest = sinceChange(
        all,
        [...ended, ...inFlight].toSorted((a, b) => b.startMs - a.startMs),
      );
      if (newest.length === 0) return { curve: all, min: 1, max: 1 };
      const curve = readCurve(newest, all.limit);
      // The first ones since are in flight: they say at least how much longer than before they are.
      return curve !== null && curve.ended >= 5 && curve.unknown <= 0.5
        ? { curve, min: 1, max: 1 }
        : scale(all, newest);
    },
  };
}

/** The answers since the time that refutes the curve most; none where nothing does. `begun`: the newest first. */
function sinceChange(curve: LengthCurve, begun: readonly Begun[]): Begun[] {
  let [ends, expected, worst, count] = [0, 0, refutes, 0];
  for (const [index, { length, hasEnded, startMs }] of begun.entries()) {
    ends += Number(hasEnded);
    expected += Math.min(maxHazard, curve.hazard(length));
    const apart = deviations(ends, expected);
    const isTogether = begun[index + 1] !== undefined && startMs - begun[index + 1]!.startMs < together;
    if (apart > worst && !isTogether) [worst, count] = [apart, index + 1];
  }
  return begun.slice(0, count);
}

/** How far a Poisson number is from its mean, in standard deviations: the root of twice the log likelihood ratio. */
const deviations = (ends: number, expected: number): number =>
  Math.sqrt(2 * Math.max(0, (ends === 0 ? 0 : ends * Math.log(ends / expected)) - ends + expected));

function scale(curve: LengthCurve, newest: readonly Begun[]): FittingCurve {
  const ends = newest.filter(({ hasEnded }) => hasEnded).length;
  const expected = (factor: number): number =>
    newest.reduce((sum, { length }) => sum + curve.hazard(length / factor), 0);
  const low = solve(expected, ends + 1 + 2 * Math.sqrt(ends + 1));
  const high = ends <= 4 ? 2 * low : solve(expected, ends - 2 * Math.sqrt(ends));
  return { curve, min: low, max: high };
}

/** The factor with which so many ends are to be expected, between 1/32 and 32: the longer the answers, the fewer. */
function solve(expected: (factor: number) => number, ends: number): number {
  let [low, high] = [1 / 32, 32];
  for (let step = 0; step < 16; step++) {
    const middle = Math.sqrt(low * high);
    if (expected(middle) > ends) low = middle;
    else high = middle;
  }
  return Math.sqrt(low * high);
}
