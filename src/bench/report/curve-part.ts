import { formatDuration, formatRate, notMeasured } from '../../core/format.ts';
import type { Chart } from '../../report/chart.ts';
import type { PagePart } from '../../report/page.ts';
import type { WorkerCurve } from '../analysis.ts';
import { titleOf } from '../trial-groups.ts';
import type { BenchReport } from './bench-report.ts';

/** Rate and latency against workers, with the knee. */
export const curveParts = ({ analysis }: BenchReport): PagePart[] =>
  analysis.curves.map((curve) => ({
    title: `Workers: ${curve.backend} ${curve.model}, ${titleOf(curve)}`,
    isWide: true,
    notes: [curve.text],
    charts: [...rateChart(curve), ...latencyChart(curve)],
    header: ['workers', 'req/s', '95 % range', 'p50', 'p95', ''],
    rows: curve.points.map(({ workers, rate, low, high, p50, p95 }) => [
      String(workers),
      formatRate(rate),
      low === null || high === null ? notMeasured : `${formatRate(low)} to ${formatRate(high)}`,
      formatDuration(p50),
      formatDuration(p95),
      workers === curve.knee ? 'the knee' : '',
    ]),
  }));

function rateChart(curve: WorkerCurve): Chart[] {
  if (curve.points.every(({ rate }) => rate === null)) return [];
  return [
    {
      kind: 'lines',
      title: 'Rate against workers',
      x: { title: 'workers (requests in flight)', scale: 'steps' },
      y: { title: 'requests a second' },
      series: [
        {
          name: 'rate',
          points: curve.points.map(({ workers, rate, low, high }) => ({ x: String(workers), y: rate, low, high })),
        },
      ],
      ...kneeOf(curve),
    },
  ];
}

function latencyChart(curve: WorkerCurve): Chart[] {
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
      title: 'Latency against workers, from sending to the whole answer',
      x: { title: 'workers (requests in flight)', scale: 'steps' },
      y: { title: isShort ? 'milliseconds' : 'seconds' },
      series,
      ...kneeOf(curve),
    },
  ];
}

const kneeOf = ({ knee, shape }: WorkerCurve) =>
  knee === null || shape === 'flat' ? {} : { verticals: [{ at: String(knee), name: `knee: ${knee}` }] };
