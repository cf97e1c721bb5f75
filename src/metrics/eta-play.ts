import { createRandom } from '../data/random.ts';
import type { RunTimes } from '../core/snapshot.ts';
import type { FittingCurve } from './eta-drift.ts';

/** The rest of a run, as far as it is known. Lengths are tokens of answers, or milliseconds where an engine tells no tokens. */
export interface Rest {
  /** Requests that are still to be sent, or that wait in the engine. */
  waiting: number;
  /** Each answer that is being written: how long it is so far, and how long it may get. */
  written: readonly Written[];
  /** Answers that are written at the same time while there are enough requests. */
  width: number;
  /** The lengths of answers. */
  fitting: FittingCurve;
  /** By what the answers of waiting requests are longer, as a factor. */
  more: number;
  /** What the prompt of a waiting request costs, as a length. */
  prompt: number;
  /** How fast answers grow now, and the relative standard error of that. */
  current: Pace;
  currentError: number;
  /** The pace of the whole run; null where nothing waits any more, so that only the pace of now counts. */
  usual: UsualPace | null;
  /** The share of the time of a step with `width` answers that goes with their number: little on a large GPU, nearly all on a CPU. */
  share: { min: number; max: number };
}

/** What one answer gains in a second where so many are written. */
export interface Pace {
  speed: number;
  width: number;
}

/** What one answer gained in a second in the run as a whole, its relative standard error, and since when another pace is seen. */
interface UsualPace {
  speed: number;
  error: number;
  sinceSeconds: number;
}

interface Written {
  length: number;
  limit: number;
}

/** Of so many plays, 19 in 20 futures fall between the shortest and the longest. */
const plays = 40;
/** In so many futures an engine that is slower or faster than usual stays so. */
const forGood = 0.2;

/**
 * Plays the rest of the run to its end, 40 times, with other luck each time: the lengths of answers, how fast the engine is, how
 * much faster the last answers are when there are fewer, how long it stays as fast. The estimate is the median, the range all of them.
 */
export function playRest(rest: Rest): NonNullable<RunTimes['eta']> {
  const seconds = Array.from({ length: plays }, (_, play) => playOnce(rest, play)).toSorted((a, b) => a - b);
  const middle = plays / 2;
  return { seconds: (seconds[middle - 1]! + seconds[middle]!) / 2, low: seconds[0]!, high: seconds[plays - 1]! };
}

/** Two plays have opposite luck, so that the plays together have none. */
function playOnce(rest: Rest, play: number): number {
  const { fitting, width, prompt, share } = rest;
  const { curve, min, max } = fitting;
  const random = createRandom((play >> 1) + 1);
  const sign = play % 2 === 0 ? 1 : -1;
  const luck = (): number => (sign > 0 ? random() : 1 - random());
  const factor = min + (max - min) * luck();
  const speed = rest.current.speed * Math.exp(normal(random) * sign * rest.currentError);
  const shared = share.min + (share.max - share.min) * luck();
  // A step of the engine takes some time for all, and so much more for each answer in it.
  const stepOf = (writing: number): number => 1 - shared + shared * Math.min(1, writing / width);
  const meanError = (curve.deviation / Math.sqrt(curve.ended)) * normal(random) * sign;
  const draw = ({ length: so, limit }: Written): number =>
    Math.min(Math.max(limit, so), factor * curve.draw(1 - luck(), so / factor));
  const drawNext = (): number => Math.min(curve.limit, rest.more * factor * curve.draw(1 - luck()));
  // Whole waves are not played one by one: their number is large enough for the mean.
  const waves = Math.max(0, Math.floor(rest.waiting / width) - 1);
  const spread = waves === 0 ? 0 : (curve.deviation / Math.sqrt(waves * width)) * normal(random) * sign;
  const mean = Math.min(curve.limit, Math.max(0, curve.mean + meanError + spread) * factor * rest.more);
  const ends = new Float64Array(Math.max(width, rest.written.length));
  for (const [index, so] of rest.written.entries()) ends[index] = draw(so) - so.length;
  const emptyAt = takeTurns(ends, rest.waiting - waves * width, () => prompt + drawNext());
  const tail = tailOf(ends, emptyAt, stepOf) / stepOf(rest.current.width);
  const seconds = (waves * (mean + prompt) + emptyAt + tail) / speed;
  if (rest.usual === null) return seconds;
  const usual = rest.usual.speed * Math.exp(normal(random) * sign * rest.usual.error);
  const lasting = lastsFor(rest.usual.sinceSeconds, luck());
  return seconds <= lasting ? seconds : lasting + ((seconds - lasting) * speed) / usual;
}

/** A pace is expected to last about as long again as it has lasted, as most things are of which nothing else is known. */
function lastsFor(sinceSeconds: number, luck: number): number {
  return luck <= forGood ? Infinity : (sinceSeconds * (1 - luck)) / (luck - forGood);
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
function tailOf(ends: Float64Array, emptyAt: number, stepOf: (writing: number) => number): number {
  let time = 0;
  let at = emptyAt;
  for (const [index, end] of ends.toSorted().entries()) {
    if (end <= emptyAt) continue;
    time += (end - at) * stepOf(ends.length - index);
    at = end;
  }
  return time;
}

/** A number of the standard normal distribution, by Box and Muller. */
const normal = (random: () => number): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
