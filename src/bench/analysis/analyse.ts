import type { BackendDefinition } from '../../core/backend.ts';
import { UsageError } from '../../core/errors.ts';
import type { BenchAnalysis, Trial, TrialAnalysis } from './analysis.ts';
import type { AgreementRecord, BenchRecord, TrialRecord } from '../records/records.ts';
import { findStability, type StabilityLimits, defaultStabilityLimits } from './stability.ts';
import { findSteady } from '../statistics/steady.ts';
import { leftOutOf, planOf, trialsOf } from '../records/trials-file.ts';
import { curveFields, groupTrials, workersOf, settingFields } from './trial-groups.ts';
import { findVerdicts } from './verdicts/index.ts';
import { windowsOf } from './windows.ts';
import { findCurves } from './worker-curve.ts';

/**
 * What the records of `trials.jsonl` mean. Nothing is asked but them, and the same records mean the same again;
 * `backends` only say what makes their engines do more at once.
 */
export function analyse(
  records: readonly BenchRecord[],
  backends: readonly BackendDefinition[],
  limits: StabilityLimits = defaultStabilityLimits,
): BenchAnalysis {
  const plan = planOf(records);
  if (plan === null)
    throw new UsageError(
      'these files are not from a bench: they have no plan',
      'Start a bench with: llmbatch bench [input]',
    );
  const agreements = records.filter((record): record is AgreementRecord => record.type === 'agreement');
  const trials = analyseTrials(trialsOf(records), agreements, backends);
  const leftOut = leftOutOf(records);
  return {
    plan,
    leftOut,
    trials,
    curves: findCurves(trials, backends),
    agreements,
    stability: findStability(trials, limits),
  };
}

function analyseTrials(
  records: readonly TrialRecord[],
  agreements: readonly AgreementRecord[],
  backends: readonly BackendDefinition[],
): TrialAnalysis[] {
  const trials = records.map(measure);
  const groups = groupTrials(trials, curveFields);
  const changes = answerChanges(records, agreements);
  return trials.map((trial) => ({
    ...trial,
    verdicts: findVerdicts({ ...trial, peers: peersOf(trial, groups), backends }),
    changesAnswers: changes.get(trial.record.spec.number)?.isChange ?? null,
    changedShare: changes.get(trial.record.spec.number)?.share ?? null,
  }));
}

/** A trial with its windows and its steady part. */
export function measure(record: TrialRecord): Trial {
  const windows = windowsOf(record);
  return { record, windows, steady: findSteady(windows) };
}

const peersOf = (trial: Trial, groups: Trial[][]): Trial[] =>
  (groups.find((group) => group.includes(trial)) ?? []).filter(
    ({ record }) => record.state === 'finished' && workersOf(record) !== workersOf(trial.record),
  );

/** How a trial's answers differ from those of the trial of its own engine that it was compared with. */
interface AnswerChange {
  /** Share of the fields of JSON answers, else of the texts, that differ: 0 to 1. */
  share: number;
  /** That is more than noise. */
  isChange: boolean;
}

/**
 * A GPU adds in another order where it works on another number of requests: a few answers of a thousand differ by it.
 */
const minChange = 0.01;

/** Changes of each trial that was compared with another one of its engine, by its number. */
function answerChanges(
  trials: readonly TrialRecord[],
  agreements: readonly AgreementRecord[],
): Map<number, AnswerChange> {
  const changes = new Map<number, AnswerChange>();
  const all = trials.map((record) => ({ record }));
  for (const engine of groupTrials(all, ['backend', 'model'])) {
    const settings = groupTrials(engine, settingFields);
    const settingOf = new Map(settings.flatMap((group, at) => group.map(({ record }) => [record.spec.number, at])));
    const compared = agreements.filter(
      (pair) => settingOf.has(Number(pair.left)) && settingOf.has(pair.right) && pair.compared > 0,
    );
    const repeats = compared.filter(({ left, right }) => settingOf.get(Number(left)) === settingOf.get(right));
    // Differences between two trials of one setting are chance, most of all at a temperature.
    const noise = Math.max(minChange, ...repeats.map(differingShare));
    for (const pair of compared) {
      const share = Math.max(differingShare(pair), changes.get(pair.right)?.share ?? 0);
      changes.set(pair.right, { share, isChange: share > noise });
    }
  }
  return changes;
}

const differingShare = ({ compared, sameText, fields, sameFields }: AgreementRecord): number =>
  fields > 0 ? 1 - sameFields / fields : 1 - sameText / compared;
