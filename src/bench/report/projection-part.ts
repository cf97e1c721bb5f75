import { formatCount, formatDuration, formatInteger, formatRate, notMeasured } from '../../text/format.ts';
import type { Bar, Chart } from '../../report/charts/chart.ts';
import type { PagePart } from '../../report/page.ts';
import type { BenchAnalysis, TrialAnalysis } from '../analysis/analysis.ts';
import { compareEngines } from '../analysis/engine-numbers.ts';
import { type Estimate, type Projection, project } from '../analysis/project.ts';
import type { BenchReport } from './bench-report.ts';
import { repeatsSentence } from './summary-part.ts';

/** An engine at its best setting, and what so many requests would take. */
export interface EngineProjection {
  backend: string;
  model: string;
  /** Number of the trial. */
  trial: number;
  /** Null where it is steady. */
  neededRequests: number | null;
  projections: Projection[];
}

export const projectEngines = ({ analysis, projectTo, prices }: BenchReport): EngineProjection[] =>
  compareEngines(analysis).map(({ backend, model, trial }) => ({
    backend,
    model,
    trial: trial.record.spec.number,
    neededRequests: trial.steady.neededRequests,
    projections: project({ trial, baseline: baselineOf(trial, analysis) }, projectTo, prices),
  }));

const nameOf = ({ backend, model, trial }: EngineProjection): string => `${backend} ${model}, #${trial}`;

/** What so many requests would take, beside the baseline. Null where nobody asked. */
export function projectionPart(report: BenchReport): PagePart | null {
  const { analysis, projectTo } = report;
  if (projectTo.length === 0) return null;
  const engines = projectEngines(report);
  return {
    title: 'Projection',
    isWide: true,
    notes: [
      'By the steady rate of the fastest setting that keeps the answers, of the largest size that has one, with its 95 % range; computed: prompt tokens that no cache serves; energy by the power of the GPUs alone.',
      ...repeatsSentence(analysis.plan),
      ...engines.filter(({ projections }) => projections.some(({ estimate }) => estimate.hours === null)).map(whyNone),
    ],
    charts: projectTo.map((requests, at) => timeChart(requests, engines, at)).filter((chart) => chart !== null),
    header: ['', 'requests', 'time', 'range', 'prompt tokens', 'computed', 'completion', 'kWh', 'money'],
    rows: engines.flatMap((engine) => engine.projections.flatMap((row) => rowsOf(nameOf(engine), row))),
  };
}

function whyNone(engine: EngineProjection): string {
  const { neededRequests } = engine;
  if (neededRequests === null)
    return `${nameOf(engine)} can't be projected: its trials differ too much from each other.`;
  return `${nameOf(engine)} is not steady: it needs about ${formatInteger(neededRequests)} requests to be projected.`;
}

/** Of the same options, where it was tried with them. */
function baselineOf({ record: { spec } }: TrialAnalysis, { trials }: BenchAnalysis): TrialAnalysis | null {
  const baselines = trials.filter(
    ({ record: { spec: other, state } }) =>
      state === 'finished' &&
      other.strategy === 'baseline' &&
      other.backend === spec.backend &&
      other.model === spec.model,
  );
  const options = JSON.stringify(spec.options);
  return baselines.find(({ record }) => JSON.stringify(record.spec.options) === options) ?? baselines[0] ?? null;
}

function timeChart(requests: number, engines: EngineProjection[], at: number): Chart | null {
  const bars = engines.flatMap((engine) => {
    const { estimate, baseline } = engine.projections[at]!;
    const name = nameOf(engine);
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
  const row = (label: string, { hours, ...rest }: Estimate): string[] => [
    label,
    formatInteger(requests),
    formatHours(hours?.expected ?? null),
    hours === null ? notMeasured : `${formatHours(hours.low)} to ${formatHours(hours.high)}`,
    ...countsOf(rest),
  ];
  if (baseline === null || saved === null) return [row(name, estimate)];
  return [
    row(name, estimate),
    row(`${name}, baseline`, baseline),
    [`${name}, saved`, formatInteger(requests), signed(saved.hours, formatHours), '', ...countsOf(saved)],
  ];
}

const countsOf = (counts: Omit<Estimate, 'hours' | 'isSteady'>): string[] => [
  signed(counts.promptTokens, formatCount),
  signed(counts.computedTokens, formatCount),
  signed(counts.completionTokens, formatCount),
  signed(counts.kilowattHours, formatRate),
  signed(counts.money, formatRate),
];
