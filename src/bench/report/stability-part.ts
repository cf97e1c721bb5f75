import { formatBytes, formatInteger, formatPercent, formatRate, notMeasured } from '../../text/format.ts';
import type { Chart } from '../../report/charts/chart.ts';
import type { PagePart } from '../../report/page.ts';
import type { Stability } from '../analysis/analysis.ts';
import type { BenchReport } from './bench-report.ts';

const gibibyte = 1024 ** 3;

/** Batch after batch on one loaded model. */
export const stabilityParts = ({ analysis }: BenchReport): PagePart[] =>
  analysis.stability.flatMap((stability) => [batchesPart(stability), checksPart(stability)]);

function batchesPart({ backend, model, batches }: Stability): PagePart {
  return {
    title: `Batch after batch: ${backend} ${model}`,
    isWide: true,
    charts: [rateChart(batches), ...vramChart(batches)],
    header: ['batch', 'req/s', 'answered', 'VRAM before', 'after', 'peak', 'change', 'llmbatch', 'engine', 'reloads'],
    rows: batches.map((batch, at) => [
      String(at + 1),
      formatRate(batch.rate),
      formatPercent(batch.succeeded / batch.requests),
      formatBytes(batch.vramBefore),
      formatBytes(batch.vramAfter),
      formatBytes(batch.vramPeak),
      batch.vramDelta === null
        ? notMeasured
        : `${batch.vramDelta < 0 ? '-' : '+'}${formatBytes(Math.abs(batch.vramDelta))}`,
      formatBytes(batch.runnerBytes),
      formatBytes(batch.engineBytes),
      formatInteger(batch.reloads),
    ]),
  };
}

const rateChart = (batches: Stability['batches']): Chart => ({
  kind: 'lines',
  title: 'Rate of each batch',
  x: { title: 'batch', scale: 'steps' },
  y: { title: 'requests a second' },
  series: [{ name: 'rate', points: batches.map(({ rate }, at) => ({ x: String(at + 1), y: rate })) }],
});

function vramChart(batches: Stability['batches']): Chart[] {
  if (batches.every(({ vramAfter }) => vramAfter === null)) return [];
  const series = (
    [
      ['before', 'vramBefore'],
      ['after', 'vramAfter'],
      ['peak', 'vramPeak'],
    ] as const
  ).map(([name, key]) => ({
    name,
    points: batches.map((batch, at) => {
      const bytes = batch[key];
      return { x: String(at + 1), y: bytes === null ? null : bytes / gibibyte };
    }),
  }));
  return [
    { kind: 'lines', title: 'VRAM of each batch', x: { title: 'batch', scale: 'steps' }, y: { title: 'GiB' }, series },
  ];
}

const checksPart = ({ backend, model, checks }: Stability): PagePart => ({
  title: `Limits: ${backend} ${model}`,
  isWide: true,
  header: ['check', 'limit', 'measured', 'verdict'],
  rows: checks.map(({ name, limit, measured, passed }) => [
    name,
    limit,
    measured,
    passed === null ? notMeasured : passed ? 'passed' : 'FAILED',
  ]),
});
