import { average } from './mean.ts';
import { loadOf } from './order.ts';
import type { TrialRecord, TrialSpec } from './records.ts';

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
