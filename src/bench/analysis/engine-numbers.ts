import type { Distribution } from '../../data/distribution.ts';
import type { BenchAnalysis, TrialAnalysis } from './analysis.ts';
import { pointOf } from './worker-curve.ts';
import { meanOf } from '../statistics/mean.ts';
import type { AgreementRecord, Window } from '../records/records.ts';
import { groupTrials, settingFields, workersOf } from './trial-groups.ts';
import { usualRate, usualWindows } from './verdicts/evidence.ts';

/** What was measured of an engine with a model, at its best setting. Null: not measured. */
export interface EngineNumbers {
  backend: string;
  model: string;
  /** Of its best setting, which all but `success` and `failedTrials` is of: the middle repeat, with the mean rate of all. */
  trial: TrialAnalysis;
  /** Requests answered per second; of the steady part where it has one. */
  rate: number;
  tokenRate: number | null;
  latencyMs: Distribution | null;
  ttftMs: Distribution | null;
  /** Share of the requests of all its trials that were answered. */
  success: number;
  failedTrials: number;
  /** Half the 95 % range of the rate, as a share of it. */
  spread: number | null;
  loadMs: number | null;
  gpuBytes: number | null;
  gpuUtilisation: number | null;
  /** Joules of the GPUs for an answer. */
  joules: number | null;
  /** Percent of one core, and bytes, of the engine's own processes. */
  cpuPercent: number | null;
  memoryBytes: number | null;
  promptTokens: number | null;
  completionTokens: number | null;
  /** Share of the fields (of the texts, where they are no JSON) that are as the input expects. */
  asExpected: number | null;
}

/** Of each backend and model its numbers, in the order of the first trials. */
export function compareEngines({ trials, agreements }: BenchAnalysis): EngineNumbers[] {
  return groupTrials(trials, ['backend', 'model']).flatMap((group) => {
    const trial = fastest(group);
    return trial === null ? [] : [numbersOf(trial, group, agreements)];
  });
}

/**
 * Of its settings the best by the mean of the repeats, as one trial: the middle one of them, with that mean as its rate. The
 * fastest trial of all would be the luckiest. Steady ones before others, then those that keep the answers, then the longest,
 * which know most of a long run.
 */
function fastest(group: readonly TrialAnalysis[]): TrialAnalysis | null {
  const finished = group.filter(({ record }) => record.state === 'finished' && record.succeeded > 0);
  const settings = groupTrials(finished, settingFields).map(asOne);
  return settings.reduce<TrialAnalysis | null>(
    (best, trial) => (best === null || isMore(worth(trial), worth(best)) ? trial : best),
    null,
  );
}

function asOne(repeats: TrialAnalysis[]): TrialAnalysis {
  const steady = repeats.filter((trial) => trial.steady.isSteady);
  const ranked = (steady.length > 0 ? steady : repeats).toSorted((one, other) => usualRate(one) - usualRate(other));
  const middle = ranked[Math.floor((ranked.length - 1) / 2)]!;
  const { rate, low, high } = pointOf(workersOf(middle.record) ?? 0, repeats);
  const tokenRate = meanOf(ranked.map((trial) => trial.steady.tokenRate));
  const changesAnswers = repeats.some((trial) => trial.changesAnswers === true) || middle.changesAnswers;
  return { ...middle, changesAnswers, steady: { ...middle.steady, rate, low, high, tokenRate } };
}

const worth = (trial: TrialAnalysis): number[] => [
  Number(trial.steady.isSteady),
  Number(trial.changesAnswers !== true),
  trial.record.spec.size,
  usualRate(trial),
];

function isMore(left: readonly number[], right: readonly number[]): boolean {
  const at = left.findIndex((value, index) => value !== right[index]);
  return at !== -1 && (left[at] ?? 0) > (right[at] ?? 0);
}

function numbersOf(trial: TrialAnalysis, group: TrialAnalysis[], agreements: AgreementRecord[]): EngineNumbers {
  const { record, steady } = trial;
  const windows = usualWindows(trial);
  const rate = usualRate(trial);
  const power = meanOf(windows.map(({ gpu }) => gpu?.power_watts));
  const { summary, spec } = record;
  return {
    backend: spec.backend,
    model: spec.model,
    trial,
    rate,
    tokenRate: steady.tokenRate ?? summary.rates.tokens.overall,
    latencyMs: summary.times.latencyMs,
    ttftMs: summary.times.ttftMs,
    ...reliabilityOf(group),
    spread: spreadOf(trial),
    loadMs: record.load_ms,
    gpuBytes: summary.machine.gpuPeakBytes,
    gpuUtilisation: meanOf(windows.map(({ gpu }) => gpu?.utilisation)),
    joules: power === null || rate === 0 ? null : power / rate,
    ...processOf(windows),
    promptTokens: perRequest(summary.tokens.answered.prompt, record.succeeded),
    completionTokens: perRequest(summary.tokens.answered.completion, record.succeeded),
    asExpected: sameShare(agreements.find(({ left, right }) => left === 'reference' && right === spec.number)),
  };
}

function reliabilityOf(group: readonly TrialAnalysis[]): Pick<EngineNumbers, 'success' | 'failedTrials'> {
  const sum = (read: (trial: TrialAnalysis) => number): number =>
    group.reduce((total, trial) => total + read(trial), 0);
  return {
    success: sum(({ record }) => record.succeeded) / sum(({ record }) => record.spec.size),
    failedTrials: group.filter(({ record }) => record.state === 'failed').length,
  };
}

const spreadOf = ({ steady: { rate, low, high } }: TrialAnalysis): number | null =>
  rate === null || low === null || high === null || rate === 0 ? null : (high - low) / 2 / rate;

const processOf = (windows: readonly Window[]): Pick<EngineNumbers, 'cpuPercent' | 'memoryBytes'> => ({
  cpuPercent: meanOf(windows.map(({ engine }) => engine?.cpu_percent)),
  memoryBytes: meanOf(windows.map(({ engine }) => engine?.memory_bytes)),
});

const perRequest = (tokens: number | null, succeeded: number): number | null =>
  tokens === null || succeeded === 0 ? null : tokens / succeeded;

/** Of the fields where the answers are JSON, else of the texts. */
export function sameShare(agreement: AgreementRecord | undefined): number | null {
  if (agreement === undefined || agreement.compared === 0) return null;
  const { fields, same_fields, same_text, compared } = agreement;
  return fields > 0 ? same_fields / fields : same_text / compared;
}
