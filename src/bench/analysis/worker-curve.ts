import type { BackendDefinition } from '../../core/backend.ts';
import type { TrialSpec } from '../records/records.ts';
import { groupBy } from '../../data/group-by.ts';
import { formatCounted, formatPercent, formatRate } from '../../text/format.ts';
import type { TrialAnalysis, WorkerCurve } from './analysis.ts';
import { workersText, groupCurves, workersOf } from './trial-groups.ts';
import { slotSetting } from './slot-setting.ts';
import { standardError, average, meanOf, studentQuantile, normalQuantile } from '../statistics/mean.ts';
import type { Range } from '../statistics/steady.ts';

/**
 * A curve for each setting that was tried with several workers; batches on one loaded model, and what failed, are no
 * points of it.
 */
export function findCurves(trials: readonly TrialAnalysis[], backends: readonly BackendDefinition[]): WorkerCurve[] {
  const alone = trials.filter(({ record }) => record.spec.batch === null && record.state === 'finished');
  return groupCurves(alone).flatMap((group) => {
    const points = curvePoints(group);
    const [first] = group;
    return points.length < 2 || first === undefined ? [] : [curveOf(first.record.spec, group, points, backends)];
  });
}

function curveOf(
  spec: TrialSpec,
  group: TrialAnalysis[],
  points: CurvePoint[],
  backends: readonly BackendDefinition[],
): WorkerCurve {
  const shape = shapeOfCurve(points);
  // A probe finds no more slots than it has workers: the largest number that a trial saw holds.
  const seen = group.map(({ record }) => record.slots).filter((count) => count !== null);
  const slots = seen.length === 0 ? null : Math.max(...seen);
  const text = describe({
    ...shape,
    points,
    slots,
    moreSlots: slots === null ? null : slotSetting(backends, spec.backend, 2 * slots),
    changing: changingWorkers(group),
  });
  const { backend, model, size, strategy, options } = spec;
  return { backend, model, size, strategy, options, points, ...shape, text };
}

/** Numbers of workers that fail more requests than others are not compared in speed. */
function shapeOfCurve(points: readonly CurvePoint[]): CurveShape {
  const eligible = points.filter(({ success }) => success >= minSuccess(points));
  const shape = shapeOf(eligible);
  return shape.shape !== null && maybeFaster(eligible).length === 0 ? shape : likelyShape(eligible);
}

/**
 * Where no two can be told apart for sure, the smallest number that is within 95 % of the highest rate is the likely
 * one.
 */
function likelyShape(points: readonly CurvePoint[]): CurveShape {
  const highest = Math.max(...points.map(roughRate));
  const likely = points.find((point) => highest > 0 && roughRate(point) >= nearly * highest);
  return { shape: null, knee: null, recommended: likely?.workers ?? null };
}

const roughRate = ({ rate, rough }: CurvePoint): number => rate ?? rough?.rate ?? 0;

/** More workers are through a trial sooner, and so not steady: what seems to be faster must not lose by it. */
function maybeFaster(points: readonly CurvePoint[]): CurvePoint[] {
  const best = Math.max(...points.map(({ rate }) => rate ?? 0));
  return best === 0 ? [] : points.filter((point) => point.rate === null && roughRate(point) * nearly > best);
}

/**
 * Share of requests that must be answered: at most one of a hundred fewer than another number of workers gets answered.
 */
const minSuccess = (points: readonly CurvePoint[]): number => 0.99 * Math.max(...points.map(({ success }) => success));

interface DescribedCurve extends CurveShape {
  points: CurvePoint[];
  slots: number | null;
  /** What would make twice as many slots; null where it is not known. */
  moreSlots: string | null;
  /** Workers whose answers differ from those of fewer. */
  changing: number[];
}

function describe(curve: DescribedCurve): string {
  const { shape, knee, recommended, points, slots } = curve;
  const rates = points.map(rateText).join(', ');
  if (shape === null) {
    const likely = recommended === null ? '' : `. --workers ${recommended} is probably the best`;
    return `Too few of these trials are steady to know whether more workers help${likely}. Rates: ${rates}.${changesText(curve)}`;
  }
  const max = points.at(-1)?.workers ?? 0;
  // More than the server works on at once only wait.
  const isFull = slots !== null && max > slots;
  const tryMore = isFull || recommended !== max ? '' : `, and measure more workers: bench --workers ${max},${2 * max}`;
  const sentences = {
    flat: `The number of workers makes no measurable difference: ${rates}. Use --workers ${recommended}.`,
    'more workers hurt': `More workers are slower than ${lastGood(points)}: ${rates}. Use --workers ${recommended}.`,
    "more workers don't help": `More workers are not faster than ${knee}: ${rates}. Use --workers ${recommended}.`,
    'more workers help': `More workers are faster, up to ${knee}: ${rates}. Use --workers ${recommended}${tryMore}.`,
  };
  return sentences[shape] + settingText(curve) + changesText(curve);
}

/** The largest number of workers that is still within 95 % of the highest rate. */
function lastGood(points: readonly CurvePoint[]): number | null {
  const rated = points.filter(isRated);
  const highest = Math.max(...rated.map(({ rate }) => rate));
  return rated.findLast(({ rate }) => rate >= nearly * highest)?.workers ?? null;
}

function rateText(point: CurvePoint): string {
  const { workers, rough } = point;
  if (isRated(point)) return `${workersText(workers)} ${rangeSentence(point)}${failedText(point)}`;
  return rough === null
    ? `${workersText(workers)} nothing answered`
    : `${workersText(workers)} about ${rangeSentence(rough)}${failedText(point)}`;
}

/** `97.8 req/s (95.3 to 100.2)` */
export const rangeSentence = ({ rate, low, high }: Range): string =>
  `${formatRate(rate)} req/s (${formatRate(Math.max(0, low))} to ${formatRate(high)})`;

const failedText = ({ success }: CurvePoint): string => (success === 1 ? '' : `, ${formatPercent(1 - success)} failed`);

function changingWorkers(group: readonly TrialAnalysis[]): number[] {
  const changing = group.filter(({ changesAnswers }) => changesAnswers === true).map(({ record }) => workersOf(record));
  const known = new Set(changing.filter((workers) => workers !== null));
  return [...known].toSorted((left, right) => left - right);
}

const changesText = ({ changing }: DescribedCurve): string =>
  changing.length === 0 ? '' : ` Answers differ at --workers ${changing.join(', ')}.`;

/** The server's slots hold the knee where it lies, if it has no more of them. One worker more keeps each slot busy. */
function settingText({ slots, knee, points, moreSlots }: DescribedCurve): string {
  const max = points.at(-1)?.workers ?? 0;
  if (slots === null || knee === null || knee > slots + 1 || max <= slots) return '';
  return moreSlots === null
    ? ''
    : ` The server works on ${formatCounted(slots, 'request')} at once. More at once: ${moreSlots}.`;
}

export type CurvePoint = WorkerCurve['points'][number];

/** A point for each number of workers, the smallest first: the mean of its repeats. */
function curvePoints(trials: readonly TrialAnalysis[]): CurvePoint[] {
  const rated = trials.filter(({ record }) => workersOf(record) !== null);
  return [...groupBy(rated, ({ record }) => workersOf(record) ?? 0)]
    .toSorted(([left], [right]) => left - right)
    .map(([workers, same]) => pointOf(workers, same));
}

export function pointOf(workers: number, trials: TrialAnalysis[]): CurvePoint {
  const latencies = trials.map(({ record }) => record.summary.times.latencyMs);
  return {
    workers,
    ...rateOfRepeats(trials),
    p50: meanOf(latencies.map((latency) => latency?.p50)),
    p95: meanOf(latencies.map((latency) => latency?.p95)),
    success: successOf(trials),
    trials: trials.map(({ record }) => record.spec.number),
  };
}

function successOf(trials: TrialAnalysis[]): number {
  const succeeded = trials.reduce((sum, { record }) => sum + record.succeeded, 0);
  return succeeded / trials.reduce((sum, { record }) => sum + record.succeeded + record.failed, 0);
}

/** The mean of the repeats that are steady; of the rough rates, where none is. */
function rateOfRepeats(trials: TrialAnalysis[]): Pick<CurvePoint, 'rate' | 'low' | 'high' | 'rough'> {
  const steady = meanRange(trials.map(({ steady: { rate, low, high } }) => rangeOrNull(rate, low, high)));
  if (steady !== null) return { ...steady, rough: null };
  return { rate: null, low: null, high: null, rough: meanRange(trials.map((trial) => trial.steady.rough)) };
}

const rangeOrNull = (rate: number | null, low: number | null, high: number | null): Range | null =>
  rate === null || low === null || high === null ? null : { rate, low, high };

/** Repeats can differ by more than each of them shows: the range is the wider one of within and between. */
function meanRange(ranges: readonly (Range | null)[]): Range | null {
  const known = ranges.filter((range) => range !== null);
  if (known.length === 0) return null;
  const rates = known.map(({ rate }) => rate);
  const rate = average(rates);
  const within = Math.hypot(...known.map((range) => range.high - range.rate)) / known.length;
  // With two repeats alone the range between them would be 13 standard errors: nothing could be told.
  const between = known.length < 3 ? 0 : studentQuantile(0.975, known.length - 1) * standardError(rates);
  const half = Math.max(within, between);
  return { rate, low: rate - half, high: rate + half };
}

type RatedPoint = CurvePoint & { rate: number; low: number; high: number };
export type CurveShape = Pick<WorkerCurve, 'shape' | 'knee' | 'recommended'>;

/**
 * Share of the best rate from which on a rate is as good; and two that differ by less than the rest are not told apart.
 */
const nearly = 0.95;

const isRated = (point: CurvePoint): point is RatedPoint =>
  point.rate !== null && point.low !== null && point.high !== null;

/**
 * What more workers do. Two points differ where their ranges do (95 %, for all pairs of the curve together) and by 5 %
 * at least. Flat: no two differ. Hurt: the largest number of workers is worse than the best. Help: only the largest is
 * within 95 % of the best. Else more don't help. The best is the mean of all that don't differ from the highest, since
 * the highest of many is high by chance too.
 */
export function shapeOf(points: readonly CurvePoint[]): CurveShape {
  const rated = points.filter(isRated);
  const [first] = rated;
  const last = rated.at(-1);
  if (first === undefined || last === undefined || first === last)
    return { shape: null, knee: null, recommended: null };
  const differ = createComparison(rated.length);
  const highest = rated.reduce((best, point) => (point.rate > best.rate ? point : best));
  const good = rated.filter((point) => !differ(point, highest));
  const best = meanOf(good.map(({ rate }) => rate)) ?? highest.rate;
  const knee = (good.find(({ rate }) => rate >= nearly * best) ?? highest).workers;
  const isFlat = !rated.some((left) => rated.some((right) => differ(left, right)));
  if (isFlat) return { shape: 'flat', knee, recommended: first.workers };
  if (differ(last, highest)) return { shape: 'more workers hurt', knee, recommended: knee };
  const shape = knee === last.workers ? 'more workers help' : "more workers don't help";
  return { shape, knee, recommended: knee };
}

/** Compares two of so many points. Any pair may differ by chance, so the ranges are widened by Bonferroni's rule. */
function createComparison(count: number): (left: RatedPoint, right: RatedPoint) => boolean {
  const pairs = (count * (count - 1)) / 2;
  const widening = normalQuantile(1 - 0.025 / pairs) / normalQuantile(1 - 0.025);
  return (left, right) => {
    const difference = Math.abs(left.rate - right.rate);
    const half = Math.hypot(left.high - left.rate, right.high - right.rate) * widening;
    return difference > half && difference > (1 - nearly) * Math.max(left.rate, right.rate);
  };
}
