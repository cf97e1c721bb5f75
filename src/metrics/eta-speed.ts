import { type Made, type SpeedPoint, createSpeedPoints } from './eta-points.ts';
import { createPromptCost } from './eta-prompt-cost.ts';

/** Nobody knows better than this how fast an engine will be. */
const minError = 0.04;
/** Whether the engine is as fast as usual is seen in so many milliseconds. */
const usualWindowMs = 30_000;

export interface SpeedReading {
  /** Length that all answers together gain in a second. */
  speed: number;
  /** Its relative standard error. */
  error: number;
  /** Answers that were written at the same time, on average over the window. */
  width: number;
  /** The speed of the whole run, its relative standard error, and for how many seconds it has been another one. */
  usual: { speed: number; error: number; sinceSeconds: number };
}

/** How fast answers grow. */
export interface Speed {
  add(atMs: number, made: Made): void;
  /** How much longer answers would be for the time that a prompt token takes; 0 where prompts are not told or cost nothing. */
  promptCost(): number;
  /**
   * Null in the first seconds, and where nothing grows. `isTail`: nothing waits, so that fewer and fewer are written, and only
   * the last window counts.
   */
  read(windowMs: number, isTail: boolean): SpeedReading | null;
}

/**
 * The speed of the whole run counts, which is known best, until that of the last window refutes it: the further they are apart, in
 * standard errors of the window, the more the window counts.
 */
export function createSpeed(): Speed {
  const points = createSpeedPoints();
  const cost = createPromptCost();
  let usualAtMs = 0;
  return {
    add(atMs, made) {
      const before = points.last();
      const isKept = points.add(atMs, made);
      if (before !== null)
        cost.add((atMs - before.atMs) / 1000, made.prompt - before.prompt, made.length - before.length);
      if (!isKept) return;
      const seen = compare(points.edges(usualWindowMs), points.edgesOfRun(), { cost: cost.read(), isTail: false });
      if (seen === null || seen.weight === 0) usualAtMs = atMs;
    },
    promptCost: () => cost.read(),
    read(windowMs, isTail) {
      const edges = points.edges(isTail ? windowMs / 4 : windowMs);
      const seen = compare(edges, points.edgesOfRun(), { cost: cost.read(), isTail });
      if (seen === null) return null;
      const [first, last] = [edges[0]!, edges.at(-1)!];
      const width = (last.written - first.written) / secondsBetween(first, last);
      const speed = isTail ? seen.recent * width : seen.speed;
      if (!(speed > 0 && width > 0 && seen.usual.speed > 0)) return null;
      const error = Math.min(1, seen.recentError / (isTail ? seen.recent : speed));
      const sinceSeconds = (last.atMs - usualAtMs + usualWindowMs / 2) / 1000;
      return { speed, error, width, usual: { ...seen.usual, sinceSeconds } };
    },
  };
}

/** How fast it was of late, and in the whole run. */
interface Comparison {
  /** The speed to be taken, and how much of it is the window's, 0 to 1. */
  speed: number;
  weight: number;
  recent: number;
  recentError: number;
  usual: { speed: number; error: number };
}

/** `cost`: length for which a prompt token stands; `isTail`: the speed of one answer is asked for, not that of all together. */
interface Counting {
  cost: number;
  isTail: boolean;
}

/** Compares the speed of a window with that of the whole run; null where there is too little of it. */
function compare(window: readonly SpeedPoint[], run: readonly SpeedPoint[], counting: Counting): Comparison | null {
  if (window.length <= 2) return null;
  const recent = speedBetween(window[0]!, window.at(-1)!, counting);
  const recentError = Math.max(errorOf(window, recent, counting), minError * recent);
  const ofAll = { ...counting, isTail: false };
  const usual = speedBetween(run[0]!, run.at(-1)!, ofAll);
  const usualError = Math.min(1, Math.max(minError, errorOf(run, usual, ofAll) / usual));
  const weight = weightOf(Math.abs(recent - usual) / recentError, 1);
  const speed = usual + weight * (recent - usual);
  return { speed, weight, recent, recentError, usual: { speed: usual, error: usualError } };
}

const secondsBetween = (from: SpeedPoint, to: SpeedPoint): number => (to.atMs - from.atMs) / 1000;

function speedBetween(from: SpeedPoint, to: SpeedPoint, { cost, isTail }: Counting): number {
  const made = to.length - from.length + cost * (to.prompt - from.prompt);
  return made === 0 ? 0 : made / (isTail ? to.written - from.written : secondsBetween(from, to));
}

/** The standard error of the speed, by those of its parts. */
function errorOf(edges: readonly SpeedPoint[], speed: number, counting: Counting): number {
  const speeds = edges.slice(1).map((edge, index) => speedBetween(edges[index]!, edge, counting));
  const squares = speeds.reduce((sum, value) => sum + (value - speed) ** 2, 0);
  return Math.sqrt(squares / (speeds.length - 1) / speeds.length);
}

/** James and Stein's way: so many standard errors as may be chance are no reason, far more are one. */
export const weightOf = (apart: number, chance: number): number => (apart <= chance ? 0 : 1 - (chance / apart) ** 2);
