import { createRandom } from '../../data/random.ts';
import type { Point } from './matrix.ts';
import { groupBy } from '../../data/group-by.ts';
import type { TrialSpec } from '../records/records.ts';

export interface OrderOptions {
  seed: number;
  repeats: number;
  /** Batches one after the other on one loaded model; null: each trial is on its own. */
  batches: number | null;
}

/**
 * All trials in the order of their execution. Each repeat is a round over all points, so that a drift hits all of them
 * alike, and a bench that ends early has each point once. In a round the points that one loaded engine can serve come
 * together, shuffled; every second round is the mirror of the one before it: a steady drift then falls on all points
 * alike, and the engine that ends a round is the one that begins the next.
 */
export function orderTrials(points: readonly Point[], { seed, repeats, batches }: OrderOptions): TrialSpec[] {
  const random = createRandom(seed);
  const loads = shuffle([...groupBy(points, loadOf).values()], random);
  const order: Omit<TrialSpec, 'number'>[] = [];
  let round: Point[] = [];
  for (let repeat = 1; repeat <= repeats; repeat++) {
    round = repeat % 2 === 0 ? round.toReversed() : loads.flatMap((load) => shuffle(load, random));
    order.push(...round.flatMap((point) => batchNumbers(batches).map((batch) => ({ ...point, repeat, batch }))));
  }
  return order.map((spec, index) => ({ number: index + 1, ...spec }));
}

/**
 * Points of one load are served by one loaded engine, opened for the largest number of workers among them: those that
 * differ in workers and requests alone. A rolling conversation wants a larger context window; `auto` what the engine
 * takes by itself.
 */
export function loadOf({ backend, model, options, strategy, workers }: Point): string {
  const kind = strategy === 'conversation' || strategy === 'baseline' ? strategy : 'kept';
  return JSON.stringify([backend, model, options, kind, workers === null]);
}

const batchNumbers = (batches: number | null): (number | null)[] =>
  batches === null ? [null] : Array.from({ length: batches }, (_, index) => index + 1);

function shuffle<Item>(items: readonly Item[], random: () => number): Item[] {
  const shuffled = [...items];
  for (let index = shuffled.length - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1));
    [shuffled[index], shuffled[other]] = [shuffled[other]!, shuffled[index]!];
  }
  return shuffled;
}
