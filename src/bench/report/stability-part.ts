import { formatBytes, formatInteger, formatPercent, formatRate, notMeasured } from '../../text/format.ts';
import type { Chart } from '../../report/charts/chart.ts';
import type { PagePart } from '../../report/page.ts';
import { formatChange } from '../analysis/stability.ts';
import type { Stability } from '../analysis/analysis.ts';
import type { BenchReport } from './bench-report.ts';

const gibibyte = 1024 ** 3;

/** How batch after batch did on one loaded model, and whether that is within the limits. */
export const stabilityParts = ({ analysis }: BenchReport): PagePart[] =>
  analysis.stability.flatMap((stability) => [batchesPart(stability), checksPart(stability)]);

function batchesPart({ backend, model, batches }: Stability): PagePart {
  return {
    title: `Batches: ${backend} ${model}`,
    isWide: true,
    charts: [
      batchChart('Rate of each batch', 'requests a second', { rate: batches.map(({ rate }) => rate) }),
      ...vramCharts(batches),
    ],
    header: ['batch', 'req/s', 'answered', 'VRAM before', 'after', 'peak', 'change', 'llmbatch', 'engine', 'reloads'],
    rows: batches.map((batch, at) => [
      String(at + 1),
      formatRate(batch.rate),
      formatPercent(batch.succeeded / batch.requests),
      formatBytes(batch.vramBefore),
      formatBytes(batch.vramAfter),
      formatBytes(batch.vramPeak),
      batch.vramDelta === null ? notMeasured : formatChange(batch.vramDelta),
      formatBytes(batch.runnerBytes),
      formatBytes(batch.engineBytes),
      formatInteger(batch.reloads),
    ]),
  };
}

const batchChart = (title: string, unit: string, series: Record<string, (number | null)[]>): Chart => ({
  kind: 'lines',
  title,
  x: { title: 'batch', scale: 'steps' },
  y: { title: unit },
  series: Object.entries(series).map(([name, values]) => ({
    name,
    points: values.map((y, at) => ({ x: String(at + 1), y })),
  })),
});

function vramCharts(batches: Stability['batches']): Chart[] {
  if (batches.every(({ vramAfter }) => vramAfter === null)) return [];
  const inGib = (name: 'vramBefore' | 'vramAfter' | 'vramPeak'): (number | null)[] =>
    batches.map(({ [name]: bytes }) => (bytes === null ? null : bytes / gibibyte));
  const series = { before: inGib('vramBefore'), after: inGib('vramAfter'), peak: inGib('vramPeak') };
  return [batchChart('VRAM of each batch', 'GiB', series)];
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
