import { formatPercent, formatRate } from '../core/format.ts';
import type { TrialAnalysis, WorkerCurve } from './analysis.ts';
import { type CurvePoint, curvePoints } from './curve-points.ts';
import { type CurveShape, type RatedPoint, isRated, nearly, shapeOf } from './curve-shape.ts';
import { workersText } from './describe-spec.ts';
import { slotSetting } from './slot-setting.ts';
import { groupCurves, workersOf } from './trial-groups.ts';

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
