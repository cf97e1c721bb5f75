import { formatDuration, formatInteger, formatRate } from '../../text/format.ts';
import type { Chart } from '../../report/charts/chart.ts';
import type { PagePart } from '../../report/page.ts';
import type { WorkerCurve } from '../analysis/analysis.ts';
import { groupSizes, titleOf } from '../analysis/trial-groups.ts';
import { rangeText } from './trials-part.ts';
import type { BenchReport } from './bench-report.ts';

/** Rate and latency against workers, with the knee; sizes of one setting together. */
export const curveParts = ({ analysis }: BenchReport): PagePart[] =>
  groupSizes(analysis.curves).map((curves) => {
    const largest = curves.at(-1)!;
    const isOne = curves.length === 1;
    return {
      title: `Workers: ${largest.backend} ${largest.model}, ${titleOf(isOne ? largest : { ...largest, size: null })}`,
      isWide: true,
      notes: curves.map((curve) => (isOne ? curve.text : `${sizeOf(curve)}: ${curve.text}`)),
      charts: [...rateChart(curves), ...latencyChart(largest, isOne ? '' : `, ${sizeOf(largest)}`)],
      header: [...(isOne ? [] : ['requests']), 'workers', 'req/s', '95 % range', 'p50', 'p95', ''],
      rows: curves.flatMap((curve) => rowsOf(curve).map((row) => (isOne ? row : [formatInteger(curve.size), ...row]))),
    };
  });

const sizeOf = ({ size }: WorkerCurve): string => `${formatInteger(size)} requests`;

const rowsOf = ({ points, knee }: WorkerCurve): string[][] =>
  points.map(({ workers, rate, p50, p95, ...range }) => [
    String(workers),
    formatRate(rate),
    rangeText(range),
    formatDuration(p50),
    formatDuration(p95),
    workers === knee ? 'the knee' : '',
  ]);

function rateChart(curves: WorkerCurve[]): Chart[] {
  const rated = curves.filter(({ points }) => points.some(({ rate }) => rate !== null));
  if (rated.length === 0) return [];
  return [
    {
      kind: 'lines',
      title: 'Rate against workers',
      x: { title: 'workers (requests in flight)', scale: 'steps' },
      y: { title: 'requests a second' },
      series: rated.map((curve) => ({
        name: sizeOf(curve),
        points: curve.points.map(({ workers, rate, low, high }) => ({ x: String(workers), y: rate, low, high })),
      })),
      ...kneeOf(curves.at(-1)!),
    },
  ];
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
      title: `Latency against workers, from sending to the whole answer${ofWhat}`,
      x: { title: 'workers (requests in flight)', scale: 'steps' },
      y: { title: isShort ? 'milliseconds' : 'seconds' },
      series,
      ...kneeOf(curve),
    },
  ];
}

const kneeOf = ({ knee, shape }: WorkerCurve) =>
  knee === null || shape === 'flat' ? {} : { verticals: [{ at: String(knee), name: `knee: ${knee}` }] };
