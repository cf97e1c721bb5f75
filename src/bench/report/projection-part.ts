import { formatCount, formatDuration, formatInteger, formatRate, notMeasured } from '../../core/format.ts';
import type { Bar, Chart } from '../../report/chart.ts';
import type { PagePart } from '../../report/page.ts';
import type { BenchAnalysis, TrialAnalysis } from '../analysis.ts';
import { compareEngines } from '../engine-numbers.ts';
import { type Estimate, type Projection, project } from '../project.ts';
import type { BenchReport } from './bench-report.ts';
import { repeatsSentence } from './summary-part.ts';

interface EngineProjection {
  name: string;
  /** Null where it is steady. */
  neededRequests: number | null;
  projections: Projection[];
}

/** What so many requests would take, beside the baseline. Null where nobody asked. */
export function projectionPart({ analysis, projectTo, prices }: BenchReport): PagePart | null {
  if (projectTo.length === 0) return null;
  const engines = compareEngines(analysis).map(({ backend, model, trial }): EngineProjection => ({
    name: `${backend} ${model}, #${trial.record.spec.number}`,
    neededRequests: trial.steady.neededRequests,
    projections: project({ trial, baseline: baselineOf(trial, analysis) }, projectTo, prices),
  }));
  return {
    title: 'Projection',
    isWide: true,
    notes: [
      'By the steady rate of the fastest setting that keeps the answers, of the largest size that has one, with its 95 % range; energy by the power of the GPUs alone.',
      ...repeatsSentence(analysis.plan),
      ...engines.flatMap(({ name, neededRequests }) =>
        neededRequests === null
          ? []
          : [`${name} is not steady: it needs about ${formatInteger(neededRequests)} requests to be projected.`],
      ),
    ],
    charts: projectTo
      .map((requests, at) =>
        timeChart(
          requests,
          engines.map((engine) => ({ ...engine, at })),
        ),
      )
      .filter((chart) => chart !== null),
    header: ['', 'requests', 'time', 'range', 'prompt tokens', 'completion', 'kWh', 'money'],
    rows: engines.flatMap(({ name, projections }) => projections.flatMap((row) => rowsOf(name, row))),
  };
}

/** A steady one before one that is not. */
function baselineOf({ record }: TrialAnalysis, { trials }: BenchAnalysis): TrialAnalysis | null {
  const baselines = trials.filter(
    ({ record: { spec } }) =>
      spec.strategy === 'baseline' && spec.backend === record.spec.backend && spec.model === record.spec.model,
  );
  return baselines.find(({ steady }) => steady.isSteady) ?? baselines[0] ?? null;
}

function timeChart(requests: number, engines: (EngineProjection & { at: number })[]): Chart | null {
  const bars = engines.flatMap(({ name, projections, at }) => {
    const { estimate, baseline } = projections[at]!;
    return [
      ...barOf(name, estimate),
      ...barOf(`${name}, baseline`, baseline).map((bar) => ({ ...bar, isSetOff: true })),
    ];
  });
  if (bars.length === 0) return null;
  const isShort = bars.every(({ value }) => value < 2);
  return {
    kind: 'bars',
    title: `${formatInteger(requests)} requests`,
    x: { title: isShort ? 'minutes' : 'hours' },
    bars: isShort ? bars.map(inMinutes) : bars,
  };
}

const inMinutes = (bar: Bar): Bar => ({
  ...bar,
  value: bar.value * 60,
  low: (bar.low ?? 0) * 60,
  high: (bar.high ?? 0) * 60,
});

function barOf(name: string, estimate: Estimate | null): Bar[] {
  if (estimate === null || estimate.hours === null) return [];
  const { expected, low, high } = estimate.hours;
  return [{ name, value: expected, low, high, text: formatHours(expected) }];
}

const formatHours = (hours: number | null): string => formatDuration(hours === null ? null : hours * 3_600_000);

/** What is saved may be less than nothing. */
const signed = (value: number | null, format: (value: number | null) => string): string =>
  value !== null && value < 0 ? `-${format(-value)}` : format(value);

function rowsOf(name: string, { requests, estimate, baseline, saved }: Projection): string[][] {
  const row = (label: string, { hours, promptTokens, completionTokens, kilowattHours, money }: Estimate): string[] => [
    label,
    formatInteger(requests),
    formatHours(hours?.expected ?? null),
    hours === null ? notMeasured : `${formatHours(hours.low)} to ${formatHours(hours.high)}`,
    formatCount(promptTokens),
    formatCount(completionTokens),
    formatRate(kilowattHours),
    formatRate(money),
  ];
  if (baseline === null || saved === null) return [row(name, estimate)];
  const tokens = saved.tokens === null ? notMeasured : `${signed(saved.tokens, formatCount)} in all`;
  const less = [
    signed(saved.hours, formatHours),
    '',
    tokens,
    '',
    signed(saved.kilowattHours, formatRate),
    signed(saved.money, formatRate),
  ];
  return [
    row(name, estimate),
    row(`${name}, baseline`, baseline),
    [`${name}, saved`, formatInteger(requests), ...less],
  ];
}
