import { createRandom } from '../data/random.ts';
import type { RunTimes } from '../core/snapshot.ts';
import type { FittingCurve } from './eta-drift.ts';

/** The rest of a run, as far as it is known. Lengths are tokens of answers, or milliseconds where an engine tells no tokens. */
export interface Rest {
  /** Requests that are still to be sent, or that wait in the engine. */
  waiting: number;
  /** How long each answer that is being written is so far. */
  written: readonly number[];
  /** Answers that are written at the same time while there are enough requests. */
  width: number;
  /** The lengths of answers. */
  fitting: FittingCurve;
  /** What the prompt of a waiting request costs, as a length. */
  prompt: number;
  /** Length that one answer gains in a second, with `width` of them, and its relative standard error. */
  speed: number;
  speedError: number;
  /** No answer gets longer. */
  limit: number;
}

/** Of so many plays, 19 in 20 futures fall between the shortest and the longest. */
const plays = 40;
/** The share of a step's time that goes with the number of answers in it: between few on a large GPU and most on a CPU. */
const shares = { min: 0.1, max: 0.9 };

/**
 * Plays the rest of the run to its end, 40 times, with other luck each time: the lengths of answers, how fast the engine is, how
 * much faster the last answers are when there are fewer. The estimate is the median, the range all of them.
 */
export function playRest(rest: Rest): NonNullable<RunTimes['eta']> {
  const seconds = Array.from({ length: plays }, (_, play) => playOnce(rest, play)).toSorted((a, b) => a - b);
  const middle = plays / 2;
  return { seconds: (seconds[middle - 1]! + seconds[middle]!) / 2, low: seconds[0]!, high: seconds[plays - 1]! };
}

/** Two plays have opposite luck, so that the plays together have none. */
function playOnce(rest: Rest, play: number): number {
  const { fitting, width, limit, prompt } = rest;
  const { curve, min, max } = fitting;
  const random = createRandom((play >> 1) + 1);
  const sign = play % 2 === 0 ? 1 : -1;
  const luck = (): number => (sign > 0 ? random() : 1 - random());
  const factor = min + (max - min) * luck();
  const speed = rest.speed * Math.exp(normal(random) * sign * rest.speedError);
  // A step of the engine takes the time of one answer alone, and so much more for each other one: how much nobody has told.
  const shared = shares.min + (shares.max - shares.min) * luck();
  const meanError = (curve.deviation / Math.sqrt(curve.ended)) * normal(random) * sign;
  const draw = (so = 0): number => Math.min(Math.max(limit, so), factor * curve.draw(1 - luck(), so / factor));
  // Whole waves are not played one by one: their number is large enough for the mean.
  const waves = Math.max(0, Math.floor(rest.waiting / width) - 1);
  const spread = waves === 0 ? 0 : (curve.deviation / Math.sqrt(waves * width)) * normal(random) * sign;
  const bulk = waves * (Math.max(0, curve.mean + meanError + spread) * factor + prompt);
  const ends = new Float64Array(Math.max(width, rest.written.length));
  for (const [index, so] of rest.written.entries()) ends[index] = draw(so) - so;
  const emptyAt = takeTurns(ends, rest.waiting - waves * width, () => prompt + draw());
  return (bulk + emptyAt + tailOf(ends, emptyAt, { shared, width })) / speed;
}

/** Gives each answer that ends its successor, until nothing waits. Returns when the last one began, and leaves the ends. */
function takeTurns(ends: Float64Array, waiting: number, draw: () => number): number {
  ends.sort();
  let emptyAt = 0;
  for (let left = waiting; left > 0; left--) {
    emptyAt = ends[0]!;
    replaceFirst(ends, emptyAt + draw());
  }
  return emptyAt;
}

/** Replaces the smallest of a heap, whose children are never smaller than their parent. */
function replaceFirst(heap: Float64Array, value: number): void {
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++;
    if (child >= heap.length || heap[child]! >= value) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = value;
}

/** The time of the last answers, in which fewer and fewer are written and each gets faster. */
function tailOf(ends: Float64Array, emptyAt: number, { shared, width }: { shared: number; width: number }): number {
  let time = 0;
  let at = emptyAt;
  for (const [index, end] of ends.toSorted().entries()) {
    if (end <= emptyAt) continue;
    const writing = ends.length - index;
    time += (end - at) * (1 - shared + shared * Math.min(1, writing / width));
    at = end;
  }
  return time;
}

/** A number of the standard normal distribution, by Box and Muller. */
const normal = (random: () => number): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
