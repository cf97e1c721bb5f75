import { UsageError } from '../../core/errors.ts';
import { formatBytes, formatInteger, formatPercent, formatRate, notMeasured } from '../../text/format.ts';
import type { EngineNumbers } from './engine-numbers.ts';
import type { EngineInstall } from '../records/environment.ts';

export const criteria = ['performance', 'reliability', 'resources', 'simplicity'] as const;
export type Criterion = (typeof criteria)[number];
export type Weights = Record<Criterion, number>;

export const defaultWeights: Weights = { performance: 40, reliability: 30, resources: 20, simplicity: 10 };

/** How a score is made of its parts, for the report. */
export const formulas: Record<Criterion, string> = {
  performance: '100 × its rate / the best rate, or 0 if the rate is not steady',
  reliability:
    '100 × the mean of: requests answered / requests sent, over all its trials; fields as the input expects; 1 − half the 95 % range of its rate / its rate, or 0 if the rate is not steady',
  resources:
    '100 × the mean of (the smallest value of all engines / its own value), for: peak GPU memory, memory of the engine, CPU time per answer, GPU energy per answer',
  simplicity:
    '100 × the mean of (the smallest value of all engines / its own value), for: installed size; 1 + the number of options given to it',
};

/** What a score is the mean of. */
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
  /** The mean of the scores by their weights, over the criteria that every engine has a score for. */
  total: number | null;
}

export interface Decision {
  weights: Weights;
  /** The best first. */
  rows: DecisionRow[];
  /** Criteria left out of the total, for some engine was not measured. */
  leftOut: Criterion[];
}

/** `--weights`: those that are not named keep their share. Throws UsageError where they make no sense. */
export function completeWeights(given: Record<string, number>): Weights {
  const unknown = Object.keys(given).find((name) => !criteria.some((criterion) => criterion === name));
  if (unknown !== undefined) throw new UsageError(`--weights has no "${unknown}"`, `Use ${criteria.join(', ')}.`);
  const weights = { ...defaultWeights, ...given };
  if (criteria.some((name) => !(weights[name] >= 0)) || criteria.every((name) => weights[name] === 0))
    throw new UsageError('--weights must be 0 or more, and at least one must be above 0');
  return weights;
}

type Read = (engine: EngineNumbers) => number | null;
type Format = (value: number | null) => string;
/** 0 to 1 of one engine among all. */
type Share = (value: number | null, all: readonly (number | null)[]) => number | null;
type Measure = [criterion: Criterion, name: string, read: Read, share: Share, format: Format];

const itself: Share = (value) => value;

const ofLargest: Share = (value, all) => {
  const largest = Math.max(...all.map((each) => each ?? 0));
  return largest === 0 ? null : (value ?? 0) / largest;
};

/** A measure that some engine lacks says nothing of the others. */
const ofSmallest: Share = (value, all) => {
  const known = all.filter((each) => each !== null);
  return value !== null && value > 0 && known.length === all.length ? Math.min(...known) / value : null;
};

/** A rate that is not steady gets the worst score where another rate is steady. */
const steadiness: Share = (spread, all) =>
  spread === null ? (all.some((each) => each !== null) ? 0 : null) : Math.max(0, 1 - spread);

const withUnit =
  (unit: string): Format =>
  (value) =>
    value === null ? notMeasured : `${formatRate(value)} ${unit}`;

const spreadText: Format = (value) => (value === null ? notMeasured : `±${formatPercent(value)}`);

/** What the scores are made of. */
const measuresOf = (installs: Readonly<Record<string, EngineInstall>>): Measure[] => [
  ['performance', 'steady rate', steadyRate, ofLargest, withUnit('req/s')],
  ['reliability', 'answered', ({ success }) => success, itself, formatPercent],
  ['reliability', 'as expected', ({ asExpected }) => asExpected, itself, formatPercent],
  ['reliability', 'steadiness', ({ spread }) => spread, steadiness, spreadText],
  ['resources', 'GPU memory', ({ gpuBytes }) => gpuBytes, ofSmallest, formatBytes],
  ['resources', 'engine memory', ({ memoryBytes }) => memoryBytes, ofSmallest, formatBytes],
  ['resources', 'CPU per answer', cpuMsOfAnswer, ofSmallest, withUnit('ms')],
  ['resources', 'GPU energy per answer', ({ joules }) => joules, ofSmallest, withUnit('J')],
  ['simplicity', 'installed size', ({ backend }) => installs[backend]?.bytes ?? null, ofSmallest, formatBytes],
  [
    'simplicity',
    '1 + options',
    ({ trial }) => 1 + Object.keys(trial.record.spec.options).length,
    ofSmallest,
    formatInteger,
  ],
];

/** A rate that can't be quoted wins no points. */
const steadyRate: Read = ({ rate, trial }) => (trial.steady.isSteady ? rate : null);

const cpuMsOfAnswer: Read = ({ cpuPercent, rate }) =>
  cpuPercent === null || rate === 0 ? null : (cpuPercent * 10) / rate;

/** Scores engines against each other. `installs`: by backend, what was found of them on this machine. */
export function decide(
  engines: readonly EngineNumbers[],
  weights: Weights,
  installs: Readonly<Record<string, EngineInstall>>,
): Decision {
  const measures = measuresOf(installs);
  const scored = engines.map((engine) => {
    const parts = measures.map(([criterion, name, read, share, format]) => {
      const value = read(engine);
      return { criterion, name, share: share(value, engines.map(read)), measured: format(value) };
    });
    const ofCriterion = (wanted: Criterion): Part[] => parts.filter(({ criterion }) => criterion === wanted);
    const scores = criteria.map((criterion) => [criterion, scoreOf(ofCriterion(criterion))]);
    return { engine, scores: Object.fromEntries(scores) as DecisionRow['scores'] };
  });
  const isUnscored = (name: Criterion): boolean => scored.some(({ scores }) => scores[name].score === null);
  const leftOut = criteria.filter((name) => weights[name] > 0 && isUnscored(name));
  const counted = criteria.filter((name) => !leftOut.includes(name));
  const rows = scored.map((row) => ({ ...row, total: totalOf(row.scores, weights, counted) }));
  return { weights, rows: rows.toSorted((one, other) => (other.total ?? -1) - (one.total ?? -1)), leftOut };
}

function scoreOf(parts: Part[]): Score {
  const shares = parts.map(({ share }) => share).filter((share) => share !== null);
  return { parts, score: shares.length === 0 ? null : (100 * sumOf(shares)) / shares.length };
}

function totalOf(scores: DecisionRow['scores'], weights: Weights, counted: readonly Criterion[]): number | null {
  const weight = sumOf(counted.map((name) => weights[name]));
  if (weight === 0) return null;
  return sumOf(counted.map((name) => weights[name] * (scores[name].score ?? 0))) / weight;
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
