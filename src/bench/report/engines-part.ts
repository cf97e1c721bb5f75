import {
  formatBytes,
  formatDuration,
  formatInteger,
  formatPercent,
  formatRate,
  notMeasured,
} from '../../text/format.ts';
import type { PagePart } from '../../report/page.ts';
import {
  type Criterion,
  type Decision,
  type DecisionRow,
  type Part,
  criteria,
  decide,
  formulas,
} from '../analysis/decision.ts';
import { describeSpec } from '../analysis/trial-groups.ts';
import { type EngineNumbers, compareEngines } from '../analysis/engine-numbers.ts';
import type { BenchReport } from './bench-report.ts';

/** Engines side by side, and the decision; nothing where there is but one. */
export function engineParts(report: BenchReport): PagePart[] {
  const decision = decideEngines(report);
  return decision === null ? [] : [comparisonPart(compareEngines(report.analysis)), ...decisionParts(decision)];
}

export function decideEngines({ analysis, weights, environment }: BenchReport): Decision | null {
  const engines = compareEngines(analysis);
  return engines.length < 2 ? null : decide(engines, weights, environment?.installs ?? {});
}

const nameOf = ({ backend, model }: EngineNumbers): string => `${backend} ${model}`;

type Measure = [name: string, read: (engine: EngineNumbers) => string];

const percent = (value: number | null): string => (value === null ? notMeasured : `${Math.round(value)}%`);

const measures: Measure[] = [
  [
    'setting',
    ({ trial: { record } }) => `#${record.spec.number} ${describeSpec(record.spec).split(', ').slice(1).join(', ')}`,
  ],
  ['requests per second', ({ rate, trial }) => `${formatRate(rate)}${trial.steady.isSteady ? '' : ' (not steady)'}`],
  ['95 % range', ({ spread }) => (spread === null ? notMeasured : `±${formatPercent(spread)}`)],
  ['answer tokens per second', ({ generationRate }) => formatRate(generationRate)],
  ['latency p50', ({ latencyMs }) => formatDuration(latencyMs?.p50 ?? null)],
  ['latency p95', ({ latencyMs }) => formatDuration(latencyMs?.p95 ?? null)],
  ['latency p99', ({ latencyMs }) => formatDuration(latencyMs?.p99 ?? null)],
  ['first token p50', ({ ttftMs }) => formatDuration(ttftMs?.p50 ?? null)],
  ['first token p95', ({ ttftMs }) => formatDuration(ttftMs?.p95 ?? null)],
  ['answered, all trials', ({ success }) => formatPercent(success)],
  ['trials that failed', ({ failedTrials }) => formatInteger(failedTrials)],
  ['model loaded in', ({ loadMs }) => formatDuration(loadMs)],
  ['GPU memory, peak', ({ gpuBytes }) => formatBytes(gpuBytes)],
  ['GPU utilisation', ({ gpuUtilisation }) => percent(gpuUtilisation)],
  ['GPU energy per answer', ({ joules }) => (joules === null ? notMeasured : `${formatRate(joules)} J`)],
  ['CPU, of one core', ({ cpuPercent }) => percent(cpuPercent)],
  ['memory of the engine', ({ memoryBytes }) => formatBytes(memoryBytes)],
  ['prompt tokens per request', ({ promptTokens }) => formatRate(promptTokens)],
  ['completion tokens per answer', ({ completionTokens }) => formatRate(completionTokens)],
  ['fields as expected', ({ asExpected }) => formatPercent(asExpected)],
];

const comparisonPart = (engines: EngineNumbers[]): PagePart => ({
  title: 'Engines compared',
  isWide: true,
  notes: [
    'Each engine with its recommended setting. The rate is the mean of the repeats. The other numbers are those of the repeat with the middle rate.',
  ],
  header: ['', ...engines.map(nameOf)],
  rows: measures.map(([name, read]) => [name, ...engines.map(read)]),
});

function decisionParts({ rows, weights, leftOut }: Decision): PagePart[] {
  const weight = criteria.map((name) => `${name} ${weights[name]}`).join(', ');
  return [
    {
      title: 'Decision',
      isWide: true,
      notes: [
        `Scores from 0 to 100, computed only from measured numbers. Total: the weighted mean of the scores (${weight}; change the weights with --weights).`,
        ...(leftOut.length === 0
          ? []
          : [`Not in the total, because not every engine could be measured: ${leftOut.join(', ')}.`]),
        ...criteria.map((name) => `${name} = ${formulas[name]}.`),
      ],
      header: ['engine', ...criteria, 'total'],
      rows: rows.map(({ engine, scores, total }) => [
        nameOf(engine),
        ...criteria.map((name) => scoreText(scores[name].score)),
        scoreText(total),
      ]),
    },
    {
      title: 'What the scores are made of',
      isWide: true,
      header: ['', ...rows.map(({ engine }) => nameOf(engine))],
      rows: criteria.flatMap((criterion) => partRows(criterion, rows)),
    },
  ];
}

const scoreText = (score: number | null): string => (score === null ? notMeasured : score.toFixed(1));

/** The engines have the same parts, in the same order. */
const partRows = (criterion: Criterion, rows: DecisionRow[]): string[][] =>
  (rows[0]?.scores[criterion].parts ?? []).map(({ name }, at) => [
    `${criterion}: ${name}`,
    ...rows.map(({ scores }) => partText(scores[criterion].parts[at])),
  ]);

function partText(part: Part | undefined): string {
  if (part === undefined) return notMeasured;
  return part.share === null ? `${part.measured} (not scored)` : `${part.measured}: ${(100 * part.share).toFixed(1)}`;
}
