import type { AgreementRecord, TrialRecord } from './records.ts';
import { groupTrials, settingFields } from './trial-groups.ts';

/** How a trial's answers differ from those of the trial of its own engine that it was compared with. */
export interface AnswerChange {
  /** Of the fields of JSON answers, else of the texts, 0 to 1. */
  share: number;
  /** More than what is noise. */
  isChange: boolean;
}

/** A GPU adds in another order where it works on another number of requests: a few answers of a thousand differ by it. */
const leastChange = 0.01;

/** Of each trial that was compared with another of its engine, by its number. */
export function answerChanges(
  trials: readonly TrialRecord[],
  agreements: readonly AgreementRecord[],
): Map<number, AnswerChange> {
  const changes = new Map<number, AnswerChange>();
  for (const engine of groupTrials(
    trials.map((record) => ({ record })),
    ['backend', 'model'],
  )) {
    const settings = groupTrials(engine, settingFields);
    const settingOf = new Map(settings.flatMap((group, at) => group.map(({ record }) => [record.spec.number, at])));
    const compared = agreements.filter(
      (pair) => settingOf.has(Number(pair.left)) && settingOf.has(pair.right) && pair.compared > 0,
    );
    const repeats = compared.filter(({ left, right }) => settingOf.get(Number(left)) === settingOf.get(right));
    // What a setting differs by from itself is chance: at a temperature, most of all.
    const noise = Math.max(leastChange, ...repeats.map(differingShare));
    for (const pair of compared) {
      const share = Math.max(differingShare(pair), changes.get(pair.right)?.share ?? 0);
      changes.set(pair.right, { share, isChange: share > noise });
    }
  }
  return changes;
}

const differingShare = ({ compared, same_text, fields, same_fields }: AgreementRecord): number =>
  fields > 0 ? 1 - same_fields / fields : 1 - same_text / compared;
