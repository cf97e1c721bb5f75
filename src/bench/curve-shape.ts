import type { WorkerCurve } from './analysis.ts';
import type { CurvePoint } from './curve-points.ts';
import { meanOf } from './mean.ts';
import { normalQuantile } from './quantiles.ts';

export type RatedPoint = CurvePoint & { rate: number; low: number; high: number };
export type CurveShape = Pick<WorkerCurve, 'shape' | 'knee' | 'recommended'>;

/** Of the best rate: what is within it is as good, and what differs by less is not worth telling. */
export const nearly = 0.95;

export const isRated = (point: CurvePoint): point is RatedPoint =>
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
