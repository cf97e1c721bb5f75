import type { Distribution } from '../../data/distribution.ts';
import type { BenchAnalysis, TrialAnalysis } from './analysis.ts';
import { meanOf } from '../statistics/mean.ts';
import { recommend } from './recommend.ts';
import type { AgreementRecord, TrialRecord, Window } from '../records/records.ts';
import { usualRate, usualWindows } from './verdicts/evidence.ts';

/** Measurements of an engine with a model, at its recommended setting; null where there is none. */
export interface EngineNumbers {
  backend: string;
  model: string;
  /** The recommended setting, from which all numbers but `success` and `failedTrials` come. */
  trial: TrialAnalysis;
  /** Requests answered per second in the steady part, else in the whole trial. */
  rate: number;
  /** Completion tokens per second. */
  generationRate: number | null;
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
  /** Energy of the GPUs for an answer, in joules. */
  joules: number | null;
  /** CPU use of the engine's own processes in percent of one core, and their memory in bytes. */
  cpuPercent: number | null;
  memoryBytes: number | null;
  promptTokens: number | null;
  completionTokens: number | null;
  /** Share of the fields (of the texts, where they are no JSON) that are as the input expects. */
  asExpected: number | null;
}

/** The numbers of each backend and model that answered anything, in the order of the first trials. */
export const compareEngines = (analysis: BenchAnalysis): EngineNumbers[] =>
  recommend(analysis).map(({ trial }) => {
    const { backend, model } = trial.record.spec;
    const own = analysis.trials.filter(({ record: { spec } }) => spec.backend === backend && spec.model === model);
    return numbersOf(trial, own, analysis.agreements);
  });

function numbersOf(trial: TrialAnalysis, group: TrialAnalysis[], agreements: AgreementRecord[]): EngineNumbers {
  const { record, steady } = trial;
  const windows = usualWindows(trial);
  const rate = usualRate(trial);
  const power = meanOf(windows.map(({ gpu }) => gpu?.powerWatts));
  const { summary, spec } = record;
  return {
    backend: spec.backend,
    model: spec.model,
    trial,
    rate,
    generationRate: steady.generationRate ?? summary.rates.generation.overall,
    latencyMs: summary.times.latencyMs,
    ttftMs: summary.times.ttftMs,
    ...reliabilityOf(group),
    spread: spreadOf(trial),
    loadMs: record.loadMs,
    gpuBytes: summary.machine.gpuPeakBytes,
    gpuUtilisation: meanOf(windows.map(({ gpu }) => gpu?.utilisation)),
    joules: power === null || rate === 0 ? null : power / rate,
    ...processOf(windows),
    promptTokens: tokensOfAnswer(record, 'prompt'),
    completionTokens: tokensOfAnswer(record, 'completion'),
    asExpected: sameShare(agreements.find(({ left, right }) => left === 'reference' && right === spec.number)),
  };
}

function reliabilityOf(group: readonly TrialAnalysis[]): Pick<EngineNumbers, 'success' | 'failedTrials'> {
  const sum = (read: (trial: TrialAnalysis) => number): number =>
    group.reduce((total, trial) => total + read(trial), 0);
  return {
    success: sum(({ record }) => record.succeeded) / sum(requestsOf),
    failedTrials: group.filter(({ record }) => record.state === 'failed').length,
  };
}

/** Requests that ended; of a trial that could not be run, those that it was to have. */
const requestsOf = ({ record: { state, spec, succeeded, failed } }: TrialAnalysis): number =>
  state === 'failed' ? spec.size : succeeded + failed;

const spreadOf = ({ steady: { rate, low, high } }: TrialAnalysis): number | null =>
  rate === null || low === null || high === null || rate === 0 ? null : (high - low) / 2 / rate;

const processOf = (windows: readonly Window[]): Pick<EngineNumbers, 'cpuPercent' | 'memoryBytes'> => ({
  cpuPercent: meanOf(windows.map(({ engine }) => engine?.cpuPercent)),
  memoryBytes: meanOf(windows.map(({ engine }) => engine?.memoryBytes)),
});

/** Tokens of an answer of the trial in the mean; null: not measured. */
export function tokensOfAnswer({ summary, succeeded }: TrialRecord, name: 'prompt' | 'completion'): number | null {
  const tokens = summary.tokens.answered[name];
  return tokens === null || succeeded === 0 ? null : tokens / succeeded;
}

/** Share of equal fields where the answers are JSON, else of equal texts. */
export function sameShare(agreement: AgreementRecord | undefined): number | null {
  if (agreement === undefined || agreement.compared === 0) return null;
  const { fields, sameFields, sameText, compared } = agreement;
  return fields > 0 ? sameFields / fields : sameText / compared;
}
