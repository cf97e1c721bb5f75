import { formatRate } from '../core/format.ts';
import type { TrialAnalysis, WorkerCurve } from './analysis.ts';
import { type CurvePoint, curvePoints } from './curve-points.ts';
import { type CurveShape, type RatedPoint, isRated, shapeOf } from './curve-shape.ts';
import { slotSetting } from './slot-setting.ts';
import { curveFields, groupTrials, titleOf } from './trial-groups.ts';

/** A curve for whatever was tried with several workers; batches on one loaded model are no points of it. */
export function findCurves(trials: readonly TrialAnalysis[]): WorkerCurve[] {
  const alone = trials.filter(({ record }) => record.spec.batch === null);
  return groupTrials(alone, curveFields).flatMap((group) => {
    const points = curvePoints(group);
    const [first] = group;
    return points.length < 2 || first === undefined ? [] : [curveOf(first, group, points)];
  });
}

function curveOf({ record: { spec } }: TrialAnalysis, group: TrialAnalysis[], points: CurvePoint[]): WorkerCurve {
  const shape = shapeOf(points);
  const slots = group.find(({ record }) => record.slots !== null)?.record.slots ?? null;
  const text = describe({ ...shape, points, slots, backend: spec.backend });
  return { backend: spec.backend, model: spec.model, title: titleOf(spec), points, ...shape, text };
}

interface Described extends CurveShape {
  points: CurvePoint[];
  slots: number | null;
  backend: string;
}

function describe(curve: Described): string {
  const rated = curve.points.filter(isRated);
  const { shape, knee, recommended } = curve;
  const best = rated.reduce<RatedPoint | null>(
    (top, point) => (top === null || point.rate > top.rate ? point : top),
    null,
  );
  const last = rated.at(-1);
  if (shape === null || best === null || last === undefined)
    return 'Too few of these trials are steady to say what more workers do: give them more requests.';
  const all = rated.map(rateText).join(', ');
  if (shape === 'flat')
    return `The number of workers makes no difference beyond the noise (${all}): take --workers ${recommended}.${settingText(curve)}`;
  if (shape === 'more workers hurt')
    return `More workers hurt beyond ${best.workers}: ${all}. Take --workers ${recommended}.${settingText(curve)}`;
  if (shape === 'more workers help')
    return `More workers help up to the ${knee} that were tried: ${all}. Take --workers ${recommended}, and try more: --workers ${knee},${2 * last.workers}.${settingText(curve)}`;
  return `More workers don't help beyond ${knee}: ${all}. Take --workers ${recommended}.${settingText(curve)}`;
}

const rateText = ({ workers, rate, low, high }: RatedPoint): string =>
  `${workers} ${workers === 1 ? 'worker' : 'workers'} ${formatRate(rate)} req/s (${formatRate(Math.max(0, low))} to ${formatRate(high)})`;

/** The server's slots hold the knee where it lies, if it has no more of them. One worker more keeps each slot busy. */
function settingText({ slots, knee, points, backend }: Described): string {
  const most = points.at(-1)?.workers ?? 0;
  if (slots === null || knee === null || knee > slots + 1 || most <= slots) return '';
  const setting = slotSetting(backend, 2 * slots);
  return setting === null ? '' : ` The server works on ${slots} at once; more: ${setting}.`;
}
