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

/**
 * Requests of a trial where nobody said how many: the usual number, but of engines that are too slow to have all trials in the
 * budget so many that they fit. Asks each engine a few requests for it, with the fewest workers, which are the slowest.
 */
export async function chooseSize(
  { budgetSeconds, ...wish }: Omit<BenchRequest, 'engines' | 'sizes'> & { engines: Engine[] },
  places: BenchPlaces,
  host: RunHost,
): Promise<number> {
  if (budgetSeconds === null) return usualSize;
  const trials = wish.repeats * (wish.batches ?? 1);
  const points = pointsOf({ ...wish, sizes: [usualSize] }).filter(({ strategy }) => strategy !== 'baseline');
  let secondsOfSize1 = 0;
  for (const engine of wish.engines) {
    const own = points.filter(({ backend, model }) => backend === engine.backend && model === engine.model);
    const rate = own.length === 0 ? null : await rateOf(own, wish.base, { places, host });
    if (rate !== null) secondsOfSize1 += (own.length * trials) / rate;
  }
  if (secondsOfSize1 === 0) return usualSize;
  const fitting = twoFigures((share * budgetSeconds) / secondsOfSize1);
  if (fitting >= usualSize) return usualSize;
  const size = Math.max(leastSize, fitting);
  const budget = formatDuration(budgetSeconds * 1000);
  host.onNote(`trials of ${formatInteger(size)} requests, for a budget of ${budget} (--sizes or --budget for more)`);
  return size;
}

const twoFigures = (value: number): number => {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(value)) - 1);
  return Math.floor(value / step) * step;
};

/** Null where it could not be asked: its trials will tell why. */
async function rateOf(
  points: readonly Point[],
  base: TrialBase,
  { places, host }: { places: BenchPlaces; host: RunHost },
): Promise<number | null> {
  const slowest = points.reduce((least, point) => ((point.workers ?? 1) < (least.workers ?? 1) ? point : least));
  const files = { input: warmUpInput(places), output: probeOutput(places) };
  const request = trialRequest({ ...slowest, number: 0, repeat: 1, batch: null }, base, files);
  const few = { ...request, settings: { ...request.settings, limit: probe.requests } };
  const slot = createEngineSlot();
  const name = `${slowest.backend} ${slowest.model}`;
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
