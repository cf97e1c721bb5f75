import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { JournalError, LlmbatchError } from '../core/errors.ts';
import { formatDuration, formatInteger, formatRate } from '../core/format.ts';
import { createEngineSlot } from '../run/engine-slot.ts';
import type { RunHost } from '../run/run-request.ts';
import { type BenchPlaces, probeOutput, warmUpInput } from './bench-places.ts';
import { type Engine, type Point, pointsOf } from './matrix.ts';
import type { BenchRequest } from './plan-bench.ts';
import { timedRun } from './timed-run.ts';
import { type TrialBase, trialRequest } from './trial-request.ts';

/** Enough for a steady rate, of an engine that needs seconds for them; and with fewer none is steady. */
const [usualSize, leastSize] = [2000, 200];
/** A look at an engine: so many requests, or so long. */
const probe = { requests: 20, mostMs: 60_000 };
/** Of the budget: loads, warm-ups and the spread need the rest. */
const share = 0.8;

/** Requests a second of each engine at first, with its fewest workers, which are the slowest; none of what can't be asked. */
export type FirstRates = ReadonlyMap<string, { rate: number; workers: number }>;

type Wish = Omit<BenchRequest, 'engines' | 'sizes'> & { engines: Engine[] };

/** Asks each engine a few requests: how long trials will take decides how many find place in the budget. */
export async function lookAtEngines(wish: Wish, places: BenchPlaces, host: RunHost): Promise<FirstRates> {
  const rates = new Map<string, { rate: number; workers: number }>();
  for (const engine of wish.engines) {
    const own = warmPoints({ ...wish, engines: [engine] });
    if (own.length === 0) continue;
    const slowest = own.reduce((least, point) => ((point.workers ?? 1) < (least.workers ?? 1) ? point : least));
    const rate = await rateOf(slowest, wish.base, { places, host });
    if (rate !== null) rates.set(keyOf(slowest), { rate, workers: slowest.workers ?? 1 });
  }
  return rates;
}

const warmPoints = (wish: Wish): Point[] =>
  pointsOf({ ...wish, sizes: [usualSize] }).filter(({ strategy }) => strategy !== 'baseline');

const keyOf = ({ backend, model }: Engine): string => JSON.stringify([backend, model]);

/**
 * Requests of a trial where nobody said how many: the usual number, or all that the input has; but of engines that are too slow
 * to have all trials in the budget so many that they fit.
 */
export function chooseSize(
  rates: FirstRates,
  wish: Wish,
  { requests, onNote }: { requests: number; onNote: (text: string) => void },
): number {
  // Requests that come again are cheap where few are in flight, and would speak for few workers.
  const most = Math.min(usualSize, requests);
  const trials = wish.repeats * (wish.batches ?? 1);
  const secondsOfOne = (point: Point): number => trials / (rates.get(keyOf(point))?.rate ?? Infinity);
  const secondsOfSize1 = warmPoints(wish).reduce((sum, point) => sum + secondsOfOne(point), 0);
  if (secondsOfSize1 === 0 || wish.budgetSeconds === null) return most;
  const fitting = twoFigures((share * wish.budgetSeconds) / secondsOfSize1);
  if (fitting >= most) return most;
  const size = Math.min(most, Math.max(leastSize, fitting));
  const budget = formatDuration(wish.budgetSeconds * 1000);
  onNote(`trials of ${formatInteger(size)} requests, for a budget of ${budget} (--sizes or --budget for more)`);
  return size;
}

/** Would it take longer than all of the budget, even if twice as many workers were twice as fast? */
export function isBeyond(
  { strategy, workers, size, ...engine }: Point,
  rates: FirstRates,
  budgetSeconds: number,
): boolean {
  const known = rates.get(keyOf(engine));
  if (known === undefined || strategy === 'baseline') return false;
  return size / (known.rate * ((workers ?? Infinity) / known.workers)) > budgetSeconds;
}

const twoFigures = (value: number): number => {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(value)) - 1);
  return Math.floor(value / step) * step;
};

/** Null where it could not be asked: its trials will tell why. */
async function rateOf(
  point: Point,
  base: TrialBase,
  { places, host }: { places: BenchPlaces; host: RunHost },
): Promise<number | null> {
  const files = { input: warmUpInput(places), output: probeOutput(places) };
  const request = trialRequest({ ...point, number: 0, repeat: 1, batch: null }, base, files);
  const few = { ...request, settings: { ...request.settings, limit: probe.requests } };
  const slot = createEngineSlot();
  const name = `${point.backend} ${point.model}`;
  host.onNote(`${name}: a look at its speed, with ${formatInteger(probe.requests)} requests`);
  try {
    const { span, snapshot } = await timedRun(few, probe.mostMs, { host: { ...host, usesSaved: false }, slot });
    const rate = snapshot.succeeded / span.seconds;
    if (!(rate > 0 && Number.isFinite(rate))) return null;
    host.onNote(`${name}: ${formatRate(rate)} req/s at first`);
    return rate;
  } catch (error) {
    if (!(error instanceof LlmbatchError) || error instanceof JournalError) throw error;
    return null;
  } finally {
    await slot.close();
    await rm(dirname(files.output), { recursive: true, force: true });
  }
}
