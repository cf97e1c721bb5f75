import type { AgreementRecord, TrialRecord } from './records.ts';

/**
 * Do the answers of a trial differ from those of the trial of its own engine that it was compared with? JSON answers differ
 * by their fields, others by their text. Null: it was compared with none.
 */
export function changesAnswers(
  { spec }: TrialRecord,
  trials: readonly TrialRecord[],
  agreements: readonly AgreementRecord[],
): boolean | null {
  const isSameEngine = (number: number | 'reference'): boolean =>
    trials.some(
      ({ spec: other }) => other.number === number && other.backend === spec.backend && other.model === spec.model,
    );
  const compared = agreements.filter(
    ({ left, right, compared: requests }) => right === spec.number && requests > 0 && isSameEngine(left),
  );
  return compared.length === 0 ? null : compared.some(differs);
}

const differs = ({ compared, same_text, fields, same_fields }: AgreementRecord): boolean =>
  fields > 0 ? same_fields < fields : same_text < compared;
