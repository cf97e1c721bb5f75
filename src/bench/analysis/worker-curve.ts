import { formatPercent, formatRate } from '../../text/format.ts';
import type { TrialAnalysis, WorkerCurve } from './analysis.ts';
import { workersText, groupCurves, workersOf } from './trial-groups.ts';
import { slotSetting } from './slot-setting.ts';
import { standardError, average, meanOf, studentQuantile, normalQuantile } from '../statistics/mean.ts';
import { usualRate } from './verdicts/evidence.ts';

/** A curve for whatever was tried with several workers; batches on one loaded model, and what failed, are no points of it. */
export function findCurves(trials: readonly TrialAnalysis[]): WorkerCurve[] {
  const alone = trials.filter(({ record }) => record.spec.batch === null && record.state === 'finished');
  return groupCurves(alone).flatMap((group) => {
    const points = curvePoints(group);
    const [first] = group;
    return points.length < 2 || first === undefined ? [] : [curveOf(first, group, points)];
  });
}

function curveOf({ record: { spec } }: TrialAnalysis, group: TrialAnalysis[], points: CurvePoint[]): WorkerCurve {
  // Speed that costs answers is none.
  const shape =
    fasterUnsteady(points).length > 0 ? unknown : shapeOf(points.filter(({ success }) => success >= least(points)));
  // A probe finds no more slots than it has workers: the most that a trial saw.
  const slots = group.map(({ record }) => record.slots).filter((seen) => seen !== null);
  const text = describe({
    ...shape,
    points,
    slots: slots.length === 0 ? null : Math.max(...slots),
    backend: spec.backend,
    changing: changingWorkers(group),
  });
  const { backend, model, size, strategy, options } = spec;
  return { backend, model, size, strategy, options, points, ...shape, text };
}

const unknown: CurveShape = { shape: null, knee: null, recommended: null };

/** More workers are through a trial sooner, and so not steady: what seems to be faster must not lose by it. */
function fasterUnsteady(points: readonly CurvePoint[]): CurvePoint[] {
  const best = Math.max(...points.map(({ rate }) => rate ?? 0));
  return best === 0 ? [] : points.filter(({ rate, roughRate }) => rate === null && roughRate * nearly > best);
}

/** Of the requests that must be answered: all but one of a hundred that another number of workers gets answered. */
const least = (points: readonly CurvePoint[]): number => 0.99 * Math.max(...points.map(({ success }) => success));

interface Described extends CurveShape {
  points: CurvePoint[];
  slots: number | null;
  backend: string;
  /** Workers whose answers differ from those of fewer. */
  changing: number[];
}

function describe(curve: Described): string {
  const { shape, knee, recommended, points, slots } = curve;
  if (shape === null) {
    const faster = fasterUnsteady(points).map(({ workers }) => workers);
    const seen = faster.length === 0 ? '' : ` (those of ${faster.join(', ')} workers seem to be faster)`;
    return `Too few of these trials are steady to say what more workers do${seen}: give them more requests.${changesText(curve)}`;
  }
  const rates = points
    .map((point) => (isRated(point) ? rateText(point) : `${workersText(point.workers)} not steady`))
    .join(', ');
  const most = points.at(-1)?.workers ?? 0;
  // More than the server works on at once only wait.
  const isFull = slots !== null && most > slots;
  const tryMore = isFull ? '' : `, and try more: --workers ${most},${2 * most}`;
  const sentences = {
    flat: `The number of workers makes no difference beyond the noise: ${rates}. Take --workers ${recommended}.`,
    'more workers hurt': `More workers hurt beyond ${lastGood(points)}: ${rates}. Take --workers ${recommended}.`,
    "more workers don't help": `More workers don't help beyond ${knee}: ${rates}. Take --workers ${recommended}.`,
    'more workers help': `More workers help up to ${knee}: ${rates}. Take --workers ${recommended}${tryMore}.`,
  };
  return sentences[shape] + settingText(curve) + changesText(curve);
}

/** The most workers that are still within 95 % of the highest rate. */
function lastGood(points: readonly CurvePoint[]): number | null {
  const rated = points.filter(isRated);
  const highest = Math.max(...rated.map(({ rate }) => rate));
  return rated.findLast(({ rate }) => rate >= nearly * highest)?.workers ?? null;
}

const rateText = (point: RatedPoint): string =>
  `${workersText(point.workers)} ${formatRate(point.rate)} req/s (${formatRate(Math.max(0, point.low))} to ${formatRate(point.high)}${failedText(point)})`;

const failedText = ({ success }: CurvePoint): string => (success === 1 ? '' : `; ${formatPercent(1 - success)} failed`);

function changingWorkers(group: readonly TrialAnalysis[]): number[] {
  const changing = group.filter(({ changesAnswers }) => changesAnswers === true).map(({ record }) => workersOf(record));
  const known = new Set(changing.filter((workers) => workers !== null));
  return [...known].toSorted((left, right) => left - right);
}

const changesText = ({ changing }: Described): string =>
  changing.length === 0 ? '' : ` Answers differ at --workers ${changing.join(', ')}.`;

/** The server's slots hold the knee where it lies, if it has no more of them. One worker more keeps each slot busy. */
function settingText({ slots, knee, points, backend }: Described): string {
  const most = points.at(-1)?.workers ?? 0;
  if (slots === null || knee === null || knee > slots + 1 || most <= slots) return '';
  const setting = slotSetting(backend, 2 * slots);
  return setting === null ? '' : ` The server works on ${slots} at once; more: ${setting}.`;
}

export type CurvePoint = WorkerCurve['points'][number];

/** A point for each number of workers, the fewest first: of its repeats, the mean. */
function curvePoints(trials: readonly TrialAnalysis[]): CurvePoint[] {
  const byWorkers = new Map<number, TrialAnalysis[]>();
  for (const trial of trials) {
    const workers = workersOf(trial.record);
    if (workers !== null) byWorkers.set(workers, [...(byWorkers.get(workers) ?? []), trial]);
  }
  return [...byWorkers].toSorted(([left], [right]) => left - right).map(([workers, same]) => pointOf(workers, same));
}

export function pointOf(workers: number, trials: TrialAnalysis[]): CurvePoint {
  const latencies = trials.map(({ record }) => record.summary.times.latencyMs);
  return {
    workers,
    ...rateOfRepeats(trials),
    p50: meanOf(latencies.map((latency) => latency?.p50)),
    p95: meanOf(latencies.map((latency) => latency?.p95)),
    roughRate: average(trials.map(usualRate)),
    success: successOf(trials),
    trials: trials.map(({ record }) => record.spec.number),
  };
}

function successOf(trials: TrialAnalysis[]): number {
  const succeeded = trials.reduce((sum, { record }) => sum + record.succeeded, 0);
  return succeeded / trials.reduce((sum, { record }) => sum + record.succeeded + record.failed, 0);
}

/** Repeats can differ by more than each of them shows: the range is the wider one of within and between. */
function rateOfRepeats(trials: TrialAnalysis[]): Pick<CurvePoint, 'rate' | 'low' | 'high'> {
  const steady = trials.flatMap(({ steady: { rate, high } }) =>
    rate === null || high === null ? [] : [{ rate, half: high - rate }],
  );
  const rate = meanOf(steady.map((trial) => trial.rate));
  if (rate === null) return { rate: null, low: null, high: null };
  const within = Math.hypot(...steady.map(({ half }) => half)) / steady.length;
  // Of two repeats alone the range between them would be 13 standard errors: nothing could be told.
  const between =
    steady.length < 3
      ? 0
      : studentQuantile(0.975, steady.length - 1) * standardError(steady.map((trial) => trial.rate));
  const half = Math.max(within, between);
  return { rate, low: rate - half, high: rate + half };
}

type RatedPoint = CurvePoint & { rate: number; low: number; high: number };
export type CurveShape = Pick<WorkerCurve, 'shape' | 'knee' | 'recommended'>;

/** Of the best rate: what is within it is as good, and what differs by less is not worth telling. */
const nearly = 0.95;

const isRated = (point: CurvePoint): point is RatedPoint =>
  point.rate !== null && point.low !== null && point.high !== null;

/**
 * What more workers do. Two points differ where their ranges do (95 %, for all pairs of the curve together) and by 5 % at least.
 * Flat: no two differ. Hurt: the most workers are worse than the best. Help: only the most are within 95 % of the best. Else more
 * don't help. The best is the mean of all that don't differ from the highest, since the highest of many is high by chance too.
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

/** Of so many points, each pair may differ by chance: the ranges are widened by Bonferroni's rule. */
function createComparison(count: number): (left: RatedPoint, right: RatedPoint) => boolean {
  const pairs = (count * (count - 1)) / 2;
  const widening = normalQuantile(1 - 0.025 / pairs) / normalQuantile(1 - 0.025);
  return (left, right) => {
    const difference = Math.abs(left.rate - right.rate);
    const half = Math.hypot(left.high - left.rate, right.high - right.rate) * widening;
    return difference > half && difference > (1 - nearly) * Math.max(left.rate, right.rate);
  };
}
