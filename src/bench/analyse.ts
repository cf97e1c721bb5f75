import { UsageError } from '../core/errors.ts';
import type { BenchAnalysis, TrialAnalysis } from './analysis.ts';
import { answerChanges } from './changes-answers.ts';
import type { AgreementRecord, BenchRecord, TrialRecord } from './records.ts';
import { findStability } from './stability.ts';
import { type StabilityLimits, defaultStabilityLimits } from './stability-checks.ts';
import { findSteady } from './steady.ts';
import { planOf, trialsOf } from './trials-file.ts';
import { curveFields, groupTrials, workersOf } from './trial-groups.ts';
import type { Trial } from './verdicts/evidence.ts';
import { findVerdicts } from './verdicts/index.ts';
import { findCurves } from './worker-curve.ts';

/** What the records of `trials.jsonl` mean. Nothing is asked but them, and the same records mean the same again. */
export function analyse(
  records: readonly BenchRecord[],
  limits: StabilityLimits = defaultStabilityLimits,
): BenchAnalysis {
  const plan = planOf(records);
  if (plan === null)
    throw new UsageError('these records have no plan: they are of no bench', 'Start one with: llmbatch bench [input]');
  const agreements = records.filter((record): record is AgreementRecord => record.type === 'agreement');
  const trials = analyseTrials(trialsOf(records), agreements);
  return { plan, trials, curves: findCurves(trials), agreements, stability: findStability(trials, limits) };
}

function analyseTrials(records: readonly TrialRecord[], agreements: readonly AgreementRecord[]): TrialAnalysis[] {
  const trials = records.map((record): Trial => ({ record, steady: findSteady(record.windows) }));
  const groups = groupTrials(trials, curveFields);
  const changes = answerChanges(records, agreements);
  return trials.map((trial) => ({
    ...trial,
    verdicts: findVerdicts({ ...trial, peers: peersOf(trial, groups) }),
    changesAnswers: changes.get(trial.record.spec.number)?.isChange ?? null,
    changedShare: changes.get(trial.record.spec.number)?.share ?? null,
  }));
}

const peersOf = (trial: Trial, groups: Trial[][]): Trial[] =>
  (groups.find((group) => group.includes(trial)) ?? []).filter(
    ({ record }) => record.state === 'finished' && workersOf(record) !== workersOf(trial.record),
  );
