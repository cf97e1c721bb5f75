import { formatDuration, formatInteger } from '../../text/format.ts';
import type { Chart } from '../../report/charts/chart.ts';
import type { PagePart } from '../../report/page.ts';
import type { WorkerCurve } from '../analysis/analysis.ts';
import { groupSizes, titleOf } from '../analysis/trial-groups.ts';
import { quotedRate, rangeOf } from './quoted-rate.ts';
import type { BenchReport } from './bench-report.ts';

/** Rate and latency against workers, with the recommended number; sizes of one setting together. */
export const curveParts = ({ analysis }: BenchReport): PagePart[] =>
  groupSizes(analysis.curves).map((curves) => {
    const largest = curves.at(-1)!;
    const isOne = curves.length === 1;
    return {
      title: `Workers: ${largest.backend} ${largest.model}, ${titleOf(isOne ? largest : { ...largest, size: null })}`,
      isWide: true,
      notes: curves.map((curve) => (isOne ? curve.text : `${sizeOf(curve)}: ${curve.text}`)),
      charts: [...rateChart(curves), ...latencyChart(largest, isOne ? '' : `, ${sizeOf(largest)}`)],
      header: [...(isOne ? [] : ['requests']), 'workers', 'req/s', '95 % range', 'latency p50', 'p95', ''],
      rows: curves.flatMap((curve) => rowsOf(curve).map((row) => (isOne ? row : [formatInteger(curve.size), ...row]))),
    };
  });

const sizeOf = ({ size }: WorkerCurve): string => `${formatInteger(size)} requests`;

const rowsOf = ({ points, recommended, shape }: WorkerCurve): string[][] =>
  points.map((point) => [
    String(point.workers),
    ...quotedRate(point),
    formatDuration(point.p50),
    formatDuration(point.p95),
    point.workers === recommended ? markOf(shape) : '',
  ]);

const markOf = (shape: WorkerCurve['shape']): string => (shape === null ? 'likely best' : 'recommended');

function rateChart(curves: WorkerCurve[]): Chart[] {
  const rated = curves.filter(({ points }) => points.some((point) => rangeOf(point) !== null));
  if (rated.length === 0) return [];
  return [
    {
      kind: 'lines',
      title: 'Rate by number of workers',
      x: { title: 'workers (requests in flight)', scale: 'steps' },
      y: { title: 'requests per second' },
      series: rated.map((curve) => ({
        name: sizeOf(curve),
        points: curve.points.map(pointOf),
      })),
      ...recommendedOf(curves.at(-1)!),
    },
  ];
}

function pointOf(point: WorkerCurve['points'][number]) {
  const { rate = null, low = null, high = null } = rangeOf(point) ?? {};
  return { x: String(point.workers), y: rate, low, high };
}

function latencyChart(curve: WorkerCurve, ofWhat: string): Chart[] {
  if (curve.points.every(({ p50 }) => p50 === null)) return [];
  const isShort = curve.points.every(({ p95 }) => (p95 ?? 0) < 1000);
  const series = (['p50', 'p95'] as const).map((name) => ({
    name,
    points: curve.points.map((point) => {
      const value = point[name];
      return { x: String(point.workers), y: value === null || isShort ? value : value / 1000 };
    }),
  }));
  return [
    {
      kind: 'lines',
      title: `Latency by number of workers, from sending to the complete answer${ofWhat}`,
      x: { title: 'workers (requests in flight)', scale: 'steps' },
      y: { title: isShort ? 'milliseconds' : 'seconds' },
      series,
      ...recommendedOf(curve),
    },
  ];
}

const recommendedOf = ({ recommended, shape }: WorkerCurve) =>
  recommended === null ? {} : { verticals: [{ at: String(recommended), name: `${markOf(shape)}: ${recommended}` }] };
