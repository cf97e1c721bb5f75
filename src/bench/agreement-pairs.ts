import type { AgreementRecord, TrialRecord } from './records.ts';

export type AgreementPair = Pick<AgreementRecord, 'left' | 'right'>;

/**
 * Whose answers are compared: each trial's with the input's expected ones, and with those of the reference trial of its
 * backend and model (the baseline, else the fewest workers); and the reference trials with each other.
 */
export function agreementPairs(trials: readonly TrialRecord[]): AgreementPair[] {
  const kept = trials.filter(({ output }) => output !== null);
  const groups = new Map<string, TrialRecord[]>();
  for (const trial of kept) groups.set(engineOf(trial), [...(groups.get(engineOf(trial)) ?? []), trial]);
  const references = [...groups.values()].map((group) => plainest(group));
  return [
    ...kept.map(({ spec }) => ({ left: 'reference' as const, right: spec.number })),
    ...kept.flatMap((trial) => {
      const reference = referenceOf(trial, groups.get(engineOf(trial)) ?? []);
      return reference === trial ? [] : [{ left: reference.spec.number, right: trial.spec.number }];
    }),
    ...references.flatMap((one, index) =>
      references.slice(index + 1).map((other) => ({ left: one.spec.number, right: other.spec.number })),
    ),
  ];
}

const engineOf = ({ spec }: TrialRecord): string => JSON.stringify([spec.backend, spec.model]);

const isBaseline = ({ spec }: TrialRecord): boolean => spec.strategy === 'baseline';

/** Of its own size; the plainest trial of that size has the plainest of all. */
function referenceOf(trial: TrialRecord, group: readonly TrialRecord[]): TrialRecord {
  const ofItsSize = group.filter(({ spec }) => spec.size === trial.spec.size);
  const reference = plainest(group.some(isBaseline) && !ofItsSize.some(isBaseline) ? group : ofItsSize);
  return reference === trial ? plainest(group) : reference;
}

/** The plainest strategy, the fewest workers, the most requests, the earliest. */
function plainest(trials: readonly TrialRecord[]): TrialRecord {
  return trials.toSorted((one, other) => compareRanks(rankOf(one), rankOf(other)))[0]!;
}

const rankOf = ({ spec, workers }: TrialRecord): number[] => [
  Number(spec.strategy !== 'baseline'),
  workers ?? spec.workers ?? Infinity,
  -spec.size,
  spec.number,
];

function compareRanks(left: readonly number[], right: readonly number[]): number {
  const at = left.findIndex((value, index) => value !== right[index]);
  return at === -1 ? 0 : Math.sign((left[at] ?? 0) - (right[at] ?? 0));
}
