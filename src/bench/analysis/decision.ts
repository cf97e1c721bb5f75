import { UsageError } from '../../core/errors.ts';
import { formatBytes, formatInteger, formatPercent, formatRate } from '../../text/format.ts';
import type { EngineNumbers } from './engine-numbers.ts';
import type { EngineInstall } from '../records/environment.ts';

export const criteria = ['performance', 'reliability', 'resources', 'simplicity'] as const;
export type Criterion = (typeof criteria)[number];
export type Weights = Record<Criterion, number>;

export const defaultWeights: Weights = { performance: 40, reliability: 30, resources: 20, simplicity: 10 };

/** How a score is made of its parts, for the report. */
export const formulas: Record<Criterion, string> = {
  performance: '100 × its rate / the best rate; 0 where it is not steady',
  reliability:
    '100 × the mean of: requests answered / requests sent, over all its trials; fields as the input expects; 1 − half the 95 % range of its rate / its rate, 0 where it is not steady',
  resources:
    '100 × the mean of least / its own, for: highest GPU memory, memory of the engine, CPU time an answer, GPU energy an answer',
  simplicity:
    '100 × the mean of least / its own, for: installed size; 1 + services that somebody must keep running; 1 + settings given to it',
};

export interface Part {
  name: string;
  /** 0 to 1; null: not measured. */
  share: number | null;
  measured: string;
}

interface Score {
  /** 0 to 100; null where none of its parts was measured. */
  score: number | null;
  parts: Part[];
}

export interface DecisionRow {
  engine: EngineNumbers;
  scores: Record<Criterion, Score>;
  /** The mean of the scores by their weights; of those criteria only that every engine has a score for. */
  total: number | null;
}

export interface Decision {
  weights: Weights;
  /** The best first. */
  rows: DecisionRow[];
  /** Criteria left out of the total, for some engine was not measured. */
  leftOut: Criterion[];
}

/** `--weights`: those that are not named keep their share. */
export function completeWeights(given: Record<string, number>): Weights {
  const unknown = Object.keys(given).find((name) => !criteria.some((criterion) => criterion === name));
  if (unknown !== undefined)
    throw new UsageError(`--weights knows no "${unknown}"`, `It knows ${criteria.join(', ')}.`);
  const weights = { ...defaultWeights, ...given };
  if (criteria.some((name) => !(weights[name] >= 0)) || criteria.every((name) => weights[name] === 0))
    throw new UsageError('--weights must be 0 or more, and one of them more than 0');
  return weights;
}

/** Scores engines against each other. `installs`: by backend, what was found of them on this machine. */
export function decide(
  engines: readonly EngineNumbers[],
  weights: Weights,
  installs: Readonly<Record<string, EngineInstall>>,
): Decision {
  const partsOf: Record<Criterion, Part[][]> = {
    performance: performanceParts(engines),
    reliability: engines.map((engine) => reliabilityParts(engine, engines)),
    resources: resourceParts(engines),
    simplicity: simplicityParts(engines, installs),
  };
  const scores = engines.map((_, at) => mapCriteria((name) => scoreOf(partsOf[name][at] ?? [])));
  const leftOut = criteria.filter((name) => weights[name] > 0 && scores.some((row) => row[name].score === null));
  const counted = criteria.filter((name) => !leftOut.includes(name));
  const rows = engines.map((engine, at) => ({
    engine,
    scores: scores[at]!,
    total: totalOf(scores[at]!, weights, counted),
  }));
  return { weights, rows: rows.toSorted((one, other) => (other.total ?? -1) - (one.total ?? -1)), leftOut };
}

const mapCriteria = <Value>(make: (name: Criterion) => Value): Record<Criterion, Value> => ({
  performance: make('performance'),
  reliability: make('reliability'),
  resources: make('resources'),
  simplicity: make('simplicity'),
});

function scoreOf(parts: Part[]): Score {
  const shares = parts.map(({ share }) => share).filter((share) => share !== null);
  return { parts, score: shares.length === 0 ? null : (100 * sumOf(shares)) / shares.length };
}

function totalOf(scores: Record<Criterion, Score>, weights: Weights, counted: readonly Criterion[]): number | null {
  const weight = sumOf(counted.map((name) => weights[name]));
  if (weight === 0) return null;
  return sumOf(counted.map((name) => weights[name] * (scores[name].score ?? 0))) / weight;
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

function performanceParts(engines: readonly EngineNumbers[]): Part[][] {
  const best = Math.max(...engines.map(steadyRate));
  return engines.map((engine) => [
    {
      name: 'rate',
      share: best === 0 ? null : steadyRate(engine) / best,
      measured: `${formatRate(engine.rate)} req/s`,
    },
  ]);
}

/** 0 where it is not steady: what can't be quoted wins nothing. */
const steadyRate = ({ rate, trial }: EngineNumbers): number => (trial.steady.isSteady ? rate : 0);

const reliabilityParts = ({ success, asExpected, spread }: EngineNumbers, all: readonly EngineNumbers[]): Part[] => [
  { name: 'answered', share: success, measured: formatPercent(success) },
  { name: 'as expected', share: asExpected, measured: formatPercent(asExpected) },
  {
    name: 'steadiness',
    share: spread === null ? zeroUnlessNobody(all) : Math.max(0, 1 - spread),
    measured: spread === null ? formatPercent(null) : `±${formatPercent(spread)}`,
  },
];

/** Not steady is the worst of steadiness, where another is. */
const zeroUnlessNobody = (all: readonly EngineNumbers[]): 0 | null =>
  all.some(({ spread }) => spread !== null) ? 0 : null;

const resourceParts = (engines: readonly EngineNumbers[]): Part[][] =>
  scoreLowest(engines, [
    { name: 'GPU memory', read: ({ gpuBytes }) => gpuBytes, format: formatBytes },
    { name: 'engine memory', read: ({ memoryBytes }) => memoryBytes, format: formatBytes },
    {
      name: 'CPU an answer',
      read: ({ cpuPercent, rate }) => (cpuPercent === null || rate === 0 ? null : (cpuPercent * 10) / rate),
      format: (value) => withUnit(value, 'ms'),
    },
    { name: 'GPU energy an answer', read: ({ joules }) => joules, format: (value) => withUnit(value, 'J') },
  ]);

const withUnit = (value: number | null, unit: string): string =>
  value === null ? formatRate(null) : `${formatRate(value)} ${unit}`;

function simplicityParts(engines: readonly EngineNumbers[], installs: Readonly<Record<string, EngineInstall>>) {
  const installOf = ({ backend }: EngineNumbers) => installs[backend];
  return scoreLowest(engines, [
    { name: 'installed size', read: (engine) => installOf(engine)?.bytes ?? null, format: formatBytes },
    { name: 'services', read: (engine) => plusOne(installOf(engine)?.services), format: lessOne },
    { name: 'settings', read: ({ trial }) => 1 + Object.keys(trial.record.spec.options).length, format: lessOne },
  ]);
}

const plusOne = (count: number | undefined): number | null => (count === undefined ? null : count + 1);
const lessOne = (count: number | null): string => formatInteger(count === null ? null : count - 1);

interface Measure {
  name: string;
  /** The less the better. */
  read: (engine: EngineNumbers) => number | null;
  format: (value: number | null) => string;
}

/** A measure that some engine lacks says nothing of the others. */
function scoreLowest(engines: readonly EngineNumbers[], measures: readonly Measure[]): Part[][] {
  return engines.map((engine) =>
    measures.map(({ name, read, format }) => {
      const own = read(engine);
      const all = engines.map(read).filter((value) => value !== null);
      const isFair = own !== null && own > 0 && all.length === engines.length;
      return { name, share: isFair ? Math.min(...all) / own : null, measured: format(own) };
    }),
  );
}
