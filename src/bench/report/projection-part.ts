import { formatCount, formatDuration, formatInteger, formatRate, notMeasured } from '../../text/format.ts';
import type { Bar, Chart } from '../../report/charts/chart.ts';
import type { PagePart } from '../../report/page.ts';
import type { BenchAnalysis, TrialAnalysis } from '../analysis/analysis.ts';
import { compareEngines } from '../analysis/engine-numbers.ts';
import { type Estimate, type Projection, project } from '../analysis/project.ts';
import type { BenchReport } from './bench-report.ts';
import { withoutUnmeasured } from './quoted-rate.ts';
import { repeatsSentence } from './summary-part.ts';

/** An engine at its recommended setting, and what so many requests would take. */
export interface EngineProjection {
  backend: string;
  model: string;
  /** Number of the trial that is projected. */
  trial: number;
  /** Requests that would make it steady; null where it is. */
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

/**
 * What so many requests would take, beside the baseline. It is null where it was not asked for, or nothing was
 * answered.
 */
export function projectionPart(report: BenchReport): PagePart | null {
  const { analysis, projectTo } = report;
  const engines = projectEngines(report);
  if (projectTo.length === 0 || engines.length === 0) return null;
  return {
    title: 'Projection',
    isWide: true,
    notes: [
      'Estimated from the rate of the recommended setting, with its 95 % range. Computed: prompt tokens that do not come from a cache. kWh: the energy of the GPUs only.',
      ...repeatsSentence(analysis.plan),
      ...engines.filter(({ projections }) => projections.some(({ estimate }) => !estimate.isSteady)).map(whyRough),
    ],
    charts: projectTo.map((requests, at) => timeChart(requests, engines, at)).filter((chart) => chart !== null),
    ...withoutUnmeasured(
      ['', 'requests', 'time', 'range', 'prompt tokens', 'computed', 'completion tokens', 'kWh', 'money'],
      engines.flatMap((engine) => engine.projections.flatMap((row) => rowsOf(nameOf(engine), row))),
    ),
  };
}

function whyRough(engine: EngineProjection): string {
  const { neededRequests } = engine;
  const known = `${nameOf(engine)} is rough: the rate of its trials is not steady yet`;
  return neededRequests === null
    ? `${known}.`
    : `${known}. About ${formatInteger(neededRequests)} requests per trial would be enough.`;
}

/** The baseline with the same options, where it was tried with them. */
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
  const unit = unitOf(bars);
  return {
    kind: 'bars',
    title: `${formatInteger(requests)} requests`,
    x: { title: unit.name },
    bars: bars.map((bar) => inUnit(bar, unit.ofAnHour)),
  };
}

/** The unit that the longest bar is told in. */
function unitOf(bars: readonly Bar[]): { name: string; ofAnHour: number } {
  const max = Math.max(...bars.map(({ value }) => value));
  if (max < 2 / 60) return { name: 'seconds', ofAnHour: 3600 };
  return max < 2 ? { name: 'minutes', ofAnHour: 60 } : { name: 'hours', ofAnHour: 1 };
}

function inUnit({ value, low = null, high = null, ...bar }: Bar, ofAnHour: number): Bar {
  const scaled = (hours: number | null): number | null => (hours === null ? null : hours * ofAnHour);
  return { ...bar, value: value * ofAnHour, low: scaled(low), high: scaled(high) };
}

function barOf(name: string, estimate: Estimate | null): Bar[] {
  if (estimate === null || estimate.hours === null) return [];
  const { expected, low, high } = estimate.hours;
  return [{ name, value: expected, low, high, text: formatHours(expected) }];
}

const hoursRange = ({ low, high }: NonNullable<Estimate['hours']>): string =>
  high === null ? `${formatHours(low)} or more` : `${formatHours(low)} to ${formatHours(high)}`;

const formatHours = (hours: number | null): string => formatDuration(hours === null ? null : hours * 3_600_000);

/** Formats what is saved, which may be less than nothing. */
const signed = (value: number | null, format: (value: number | null) => string): string =>
  value !== null && value < 0 ? `-${format(-value)}` : format(value);

function rowsOf(name: string, { requests, estimate, baseline, saved }: Projection): string[][] {
  const row = (label: string, { hours, ...rest }: Estimate): string[] => [
    label,
    formatInteger(requests),
    formatHours(hours?.expected ?? null),
    hours === null ? notMeasured : hoursRange(hours),
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
