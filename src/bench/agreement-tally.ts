import type { AnswerDifference } from './answer-difference.ts';
import { compareAnswers } from './answer-difference.ts';
import type { AgreementPair } from './agreement-pairs.ts';
import type { AgreementRecord } from './records.ts';

const mostWorst = 10;
const longestText = 300;

export interface AgreementTally {
  add(id: string, left: unknown, right: string): void;
  read(): AgreementRecord;
}

interface Worst {
  row: AgreementRecord['worst'][number];
  weight: number;
}

/** Counts the agreement of two sets of answers, one request after the other. */
export function createAgreementTally(pair: AgreementPair): AgreementTally {
  const counts = { compared: 0, same_text: 0, fields: 0, same_fields: 0, changed_verdicts: 0 };
  const numbers = { count: 0, sum: 0 };
  const worst: Worst[] = [];
  return {
    add(id, left, right) {
      const found = compareAnswers(left, right, pair.left === 'reference');
      counts.compared++;
      counts.same_text += Number(found.sameText);
      counts.fields += found.fields;
      counts.same_fields += found.sameFields;
      counts.changed_verdicts += Number(found.changedVerdict);
      numbers.count += found.differences.length;
      numbers.sum += found.differences.reduce((sum, value) => sum + value, 0);
      if (!isSame(found)) keepWorst(worst, { id, left, right, found });
    },
    read: () => ({
      type: 'agreement',
      ...pair,
      ...counts,
      mean_difference: numbers.count === 0 ? null : numbers.sum / numbers.count,
      worst: worst.map(({ row }) => row),
    }),
  };
}

/** JSON that differs in its blanks only says the same. */
const isSame = ({ sameText, fields, sameFields }: AnswerDifference): boolean =>
  sameText || (fields > 0 && fields === sameFields);

interface Disagreement {
  id: string;
  left: unknown;
  right: string;
  found: AnswerDifference;
}

/** A changed verdict is worse than any number; then the largest difference; then the most fields. */
function keepWorst(worst: Worst[], { id, left, right, found }: Disagreement): void {
  const difference = found.differences.length === 0 ? null : Math.max(...found.differences);
  const weight =
    Number(found.changedVerdict) * 1e12 + Math.min(difference ?? 0, 1e9) * 100 + found.fields - found.sameFields;
  const last = worst.at(-1);
  if (worst.length === mostWorst && last !== undefined && weight <= last.weight) return;
  worst.push({ row: { id, left: textOf(left), right: textOf(right), difference }, weight });
  worst.sort((one, other) => other.weight - one.weight);
  worst.splice(mostWorst);
}

function textOf(answer: unknown): string {
  const text = typeof answer === 'string' ? answer : (JSON.stringify(answer) ?? '');
  return text.length > longestText ? `${text.slice(0, longestText - 1)}…` : text;
}
