import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { JournalError, LlmbatchError } from '../../core/errors.ts';
import { formatDuration, formatInteger, formatRate } from '../../text/format.ts';
import { createBackendCache } from '../../run/choose/backend-cache.ts';
import type { Notify } from '../../core/notice.ts';
import type { RunHost } from '../../run/run-request.ts';
import { type BenchPaths, probeOutput, warmUpInput } from '../records/bench-paths.ts';
import { type Engine, type Point, pointsOf } from './matrix.ts';
import type { BenchRequest } from './bench-request.ts';
import { timedRun } from '../trial/timed-run.ts';
import type { TrialBase } from '../records/environment.ts';
import { trialRequest } from '../trial/trial-request.ts';
import { average } from '../statistics/mean.ts';
import { loadOf } from './order.ts';
import type { TrialRecord, TrialSpec } from '../records/records.ts';

/** Enough for a steady rate, of an engine that needs seconds for them; and with fewer none is steady. */
const [usualSize, minSize] = [2000, 200];
/** A look at an engine: so many requests, or so long. */
const probe = { requests: 20, maxMs: 60_000 };
/** Of the budget: loads, warm-ups and the spread need the rest. */
const share = 0.8;

/** Requests a second of each engine at first, with its fewest workers, which are the slowest; none of what can't be asked. */
export type FirstRates = ReadonlyMap<string, { rate: number; workers: number }>;

type Wish = Omit<BenchRequest, 'engines' | 'sizes'> & { engines: Engine[] };

/** Asks each engine a few requests: how long trials will take decides how many find place in the budget. */
export async function lookAtEngines(wish: Wish, paths: BenchPaths, host: RunHost): Promise<FirstRates> {
  const rates = new Map<string, { rate: number; workers: number }>();
  for (const engine of wish.engines) {
    const own = warmPoints({ ...wish, engines: [engine] });
    if (own.length === 0) continue;
    const slowest = own.reduce((least, point) => ((point.workers ?? 1) < (least.workers ?? 1) ? point : least));
    const rate = await rateOf(slowest, wish.base, { paths, host });
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
  { requests, notify }: { requests: number; notify: Notify },
): number {
  // Requests that come again are cheap where few are in flight, and would speak for few workers.
  const most = Math.min(usualSize, requests);
  const trials = wish.repeats * (wish.batches ?? 1);
  const secondsOfOne = (point: Point): number => trials / (rates.get(keyOf(point))?.rate ?? Infinity);
  const secondsOfSize1 = warmPoints(wish).reduce((sum, point) => sum + secondsOfOne(point), 0);
  if (secondsOfSize1 === 0 || wish.budgetSeconds === null) return most;
  const fitting = twoFigures((share * wish.budgetSeconds) / secondsOfSize1);
  if (fitting >= most) return most;
  const size = Math.min(most, Math.max(minSize, fitting));
  const budget = formatDuration(wish.budgetSeconds * 1000);
  const text = `trials of ${formatInteger(size)} requests, for a budget of ${budget} (--sizes or --budget for more)`;
  notify({ topic: 'bench', text });
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
  { paths, host }: { paths: BenchPaths; host: RunHost },
): Promise<number | null> {
  const files = { input: warmUpInput(paths), output: probeOutput(paths) };
  const request = trialRequest({ ...point, number: 0, repeat: 1, batch: null }, base, files, host.backends);
  const few = { ...request, settings: { ...request.settings, limit: probe.requests } };
  const slot = createBackendCache();
  const name = `${point.backend} ${point.model}`;
  host.notify({ topic: 'bench', text: `${name}: a look at its speed, with ${formatInteger(probe.requests)} requests` });
  try {
    const { span, snapshot } = await timedRun(few, probe.maxMs, { host: { ...host, usesSaved: false }, slot });
    const rate = snapshot.progress.succeeded / span.seconds;
    if (!(rate > 0 && Number.isFinite(rate))) return null;
    host.notify({ topic: 'bench', text: `${name}: ${formatRate(rate)} req/s at first` });
    return rate;
  } catch (error) {
    if (!(error instanceof LlmbatchError) || error instanceof JournalError) throw error;
    return null;
  } finally {
    await slot.close();
    await rm(dirname(files.output), { recursive: true, force: true });
  }
}

/** Seconds that a trial will take, by those that ended: of its point, else of its engine; null before there are any. */
export function estimateSeconds(spec: TrialSpec, done: readonly TrialRecord[]): number | null {
  const finished = done.filter(({ state }) => state === 'finished');
  const same = finished.filter((record) => pointKey(record.spec) === pointKey(spec));
  if (same.length > 0) return average(same.map(secondsOf));
  const near = [sameWorkers, sameLoad, sameEngine, sameCold]
    .map((isNear) => finished.filter((record) => isNear(record.spec, spec)))
    .find((records) => records.length > 0);
  // Of another size: by the seconds of a request.
  return near === undefined ? null : average(near.map((record) => secondsOf(record) / record.spec.size)) * spec.size;
}

/** Seconds that all of them will take, those of which nothing is known as long as the others; null before any ended. */
export function estimateAll(specs: readonly TrialSpec[], done: readonly TrialRecord[]): number | null {
  const seconds = specs.map((spec) => estimateSeconds(spec, done));
  return seconds.some((value) => value === null) ? null : seconds.reduce<number>((sum, value) => sum + value!, 0);
}

/**
 * Is there time for it? The order has each point once before any comes again, so nothing more than this is needed to give
 * each its first trial. A trial of which nothing is known is tried while there is any time left.
 */
export function fitsBudget(
  spec: TrialSpec,
  { done, leftSeconds }: { done: readonly TrialRecord[]; leftSeconds: number },
): boolean {
  return (estimateSeconds(spec, done) ?? 0) <= leftSeconds && leftSeconds > 0;
}

/** Of the bench so far, the time between trials that were interrupted left out. */
export const spentSeconds = (done: readonly TrialRecord[]): number =>
  done.reduce((sum, record) => sum + secondsOf(record), 0);

/** Without the load: many trials share one, and more requests don't need more of them. */
const secondsOf = ({ seconds }: TrialRecord): number => seconds;

const pointKey = ({ backend, model, workers, size, strategy, options }: TrialSpec): string =>
  JSON.stringify([backend, model, workers, size, strategy, options]);

type IsNear = (known: TrialSpec, wanted: TrialSpec) => boolean;
const sameLoad: IsNear = (known, wanted) => loadOf(known) === loadOf(wanted);
const sameWorkers: IsNear = (known, wanted) => sameLoad(known, wanted) && known.workers === wanted.workers;
/** A request to a cold model takes as long as a load. */
const sameCold: IsNear = (known, wanted) => (known.strategy === 'baseline') === (wanted.strategy === 'baseline');
const sameEngine: IsNear = (known, wanted) =>
  known.backend === wanted.backend && known.model === wanted.model && known.strategy === wanted.strategy;
