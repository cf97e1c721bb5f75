import type { BenchAnalysis, TrialAnalysis, WorkerCurve } from './analysis.ts';
import { compareLists, meanOf } from '../statistics/mean.ts';
import { curveFields, groupTrials, workersOf } from './trial-groups.ts';
import { usualRate } from './verdicts/evidence.ts';
import { pointOf } from './worker-curve.ts';

/** The setting that an engine with a model is to be used with: all parts of a report speak of it. */
export interface Recommendation {
  /** The middle one of its repeats, with the mean rate of all of them: the fastest repeat would be the luckiest. */
  trial: TrialAnalysis;
  /** What more or fewer workers do; null where one number alone was tried. */
  curve: WorkerCurve | null;
}

/**
 * One for each backend and model that answered anything, in the order of the first trials. Among ways of sending, options and
 * sizes, steady ones come before others, then those that keep the answers, then the longest, which say most of a long run,
 * then the fastest; the number of workers is that of their curve.
 */
export const recommend = ({ trials, curves }: BenchAnalysis): Recommendation[] =>
  groupTrials(trials, ['backend', 'model']).flatMap((engine) => {
    const answered = engine.filter(({ record }) => record.state === 'finished' && record.succeeded > 0);
    const candidates = groupTrials(answered, curveFields).map((group) => candidateOf(group, curves));
    const best = candidates.toSorted((left, right) => compareLists(right.worth, left.worth))[0];
    return best === undefined ? [] : [{ trial: best.trial, curve: best.curve }];
  });

interface Candidate extends Recommendation {
  worth: number[];
}

/** `group`: trials that differ in their workers alone. */
function candidateOf(group: readonly TrialAnalysis[], curves: readonly WorkerCurve[]): Candidate {
  const numbers = new Set(group.map(({ record }) => record.spec.number));
  const isOwn = ({ points }: WorkerCurve): boolean =>
    points.some((point) => point.trials.some((number) => numbers.has(number)));
  const curve = curves.find(isOwn) ?? null;
  const settings = groupTrials(group, ['workers']).map(middleOf);
  const recommended = settings.find(({ record }) => workersOf(record) === curve?.recommended);
  const trial = recommended ?? settings.toSorted((left, right) => usualRate(right) - usualRate(left))[0]!;
  const keepsAnswers = group.some(({ changesAnswers }) => changesAnswers !== true);
  const worth = [Number(trial.steady.isSteady), Number(keepsAnswers), trial.record.spec.size, usualRate(trial)];
  return { trial, curve, worth };
}

/** The repeats of a setting as one trial. */
function middleOf(repeats: TrialAnalysis[]): TrialAnalysis {
  const steady = repeats.filter((trial) => trial.steady.isSteady);
  const ranked = (steady.length > 0 ? steady : repeats).toSorted((one, other) => usualRate(one) - usualRate(other));
  const middle = ranked[Math.floor((ranked.length - 1) / 2)]!;
  const { rate, low, high, rough } = pointOf(workersOf(middle.record) ?? 0, repeats);
  const generationRate = meanOf(ranked.map((trial) => trial.steady.generationRate));
  const changesAnswers = repeats.some((trial) => trial.changesAnswers === true) || middle.changesAnswers;
  return { ...middle, changesAnswers, steady: { ...middle.steady, rate, low, high, rough, generationRate } };
}
