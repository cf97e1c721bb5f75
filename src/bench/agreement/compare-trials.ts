import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { indexAnswers, readAnswers } from './answers.ts';
import { compareLists } from '../statistics/mean.ts';
import { groupBy } from '../../data/group-by.ts';
import type { AgreementRecord, TrialRecord } from '../records/records.ts';
import { type AnswerDifference, compareAnswers } from './answer-difference.ts';

/** Names a comparison: the numbers of its two trials. */
export const pairKey = ({ left, right }: AgreementPair): string => `${left} ${right}`;

/**
 * Compares the answers of the trials of a bench, pair after pair; pairs that have no request in common are left out.
 * `folder`: of the bench, which the outputs are named from; `known`: pairs to pass over. Memory does not grow with the
 * answers.
 */
export async function* compareTrials(
  trials: readonly TrialRecord[],
  folder: string,
  known: ReadonlySet<string> = new Set(),
): AsyncGenerator<AgreementRecord> {
  const outputs = new Map(trials.map(({ spec, output }) => [spec.number, join(folder, output ?? '')]));
  for (const pair of agreementPairs(trials)) {
    if (known.has(pairKey(pair))) continue;
    const record = await comparePair(pair, outputs).catch(nullIfAbsent);
    if (record !== null && record.compared > 0) yield record;
  }
}

/** An output that was removed is compared with nothing. */
function nullIfAbsent(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}

async function comparePair(
  { left, right }: AgreementPair,
  outputs: ReadonlyMap<number, string>,
): Promise<AgreementRecord> {
  const given = await open(outputs.get(right) ?? '');
  const other = left === 'reference' ? null : await open(outputs.get(left) ?? '');
  try {
    const counter = createAgreementCounter({ left, right });
    await (other === null ? compareWithExpected(counter, given) : compareOutputs(counter, other, given));
    return counter.read();
  } finally {
    await Promise.all([given.close(), other?.close()]);
  }
}

async function compareWithExpected(counter: AgreementCounter, given: FileHandle): Promise<void> {
  for await (const answers of readAnswers(given)) {
    for (const { id, text, expected } of answers) if (expected !== undefined) counter.add(id, expected, text);
  }
}

async function compareOutputs(counter: AgreementCounter, other: FileHandle, given: FileHandle): Promise<void> {
  const others = await indexAnswers(other);
  for await (const answers of readAnswers(given)) {
    const texts = await others.find(answers.map(({ id }) => id));
    for (const [at, { id, text }] of answers.entries()) {
      const left = texts[at];
      if (left !== null && left !== undefined) counter.add(id, left, text);
    }
  }
}

export type AgreementPair = Pick<AgreementRecord, 'left' | 'right'>;

/**
 * Whose answers are compared: each trial's with the input's expected ones, and with those of the reference trial of its
 * backend and model (the baseline, else the smallest number of workers); and the reference trials with each other.
 */
export function agreementPairs(trials: readonly TrialRecord[]): AgreementPair[] {
  const kept = trials.filter(({ output }) => output !== null);
  const groups = groupBy(kept, engineOf);
  const references = [...groups.values()].map((group) => referenceTrial(group));
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

/** The reference trial of its own size; that one is compared with the reference trial of all sizes. */
function referenceOf(trial: TrialRecord, group: readonly TrialRecord[]): TrialRecord {
  const ofItsSize = group.filter(({ spec }) => spec.size === trial.spec.size);
  const reference = referenceTrial(group.some(isBaseline) && !ofItsSize.some(isBaseline) ? group : ofItsSize);
  return reference === trial ? referenceTrial(group) : reference;
}

/** The baseline, then the smallest number of workers, then the largest size, then the earliest. */
function referenceTrial(trials: readonly TrialRecord[]): TrialRecord {
  return trials.toSorted((one, other) => compareLists(rankOf(one), rankOf(other)))[0]!;
}

const rankOf = ({ spec, workers }: TrialRecord): number[] => [
  Number(spec.strategy !== 'baseline'),
  workers ?? spec.workers ?? Infinity,
  -spec.size,
  spec.number,
];

const maxDifferences = 10;
const maxText = 300;

interface AgreementCounter {
  add(id: string, left: unknown, right: string): void;
  read(): AgreementRecord;
}

interface TopDifference {
  row: AgreementRecord['worst'][number];
  weight: number;
}

/** Counts the agreement of two sets of answers, one request after the other. */
function createAgreementCounter(pair: AgreementPair): AgreementCounter {
  const counts = { compared: 0, sameText: 0, fields: 0, sameFields: 0, changedVerdicts: 0 };
  const numbers = { count: 0, sum: 0 };
  const worst: TopDifference[] = [];
  return {
    add(id, left, right) {
      const found = compareAnswers(left, right, pair.left === 'reference');
      counts.compared++;
      counts.sameText += Number(found.sameText);
      counts.fields += found.fields;
      counts.sameFields += found.sameFields;
      counts.changedVerdicts += Number(found.changedVerdict);
      numbers.count += found.differences.length;
      numbers.sum += found.differences.reduce((sum, value) => sum + value, 0);
      if (!isSame(found)) keepTopDifferences(worst, { id, left, right, found });
    },
    read: () => ({
      type: 'agreement',
      ...pair,
      ...counts,
      meanDifference: numbers.count === 0 ? null : numbers.sum / numbers.count,
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

/** A changed verdict is worse than any number; then the largest difference; then the number of fields. */
function keepTopDifferences(worst: TopDifference[], { id, left, right, found }: Disagreement): void {
  const difference = found.differences.length === 0 ? null : Math.max(...found.differences);
  const weight =
    Number(found.changedVerdict) * 1e12 + Math.min(difference ?? 0, 1e9) * 100 + found.fields - found.sameFields;
  const last = worst.at(-1);
  if (worst.length === maxDifferences && last !== undefined && weight <= last.weight) return;
  worst.push({ row: { id, left: textOf(left), right: textOf(right), difference }, weight });
  worst.sort((one, other) => other.weight - one.weight);
  worst.splice(maxDifferences);
}

function textOf(answer: unknown): string {
  const text = typeof answer === 'string' ? answer : (JSON.stringify(answer) ?? '');
  return text.length > maxText ? `${text.slice(0, maxText - 1)}…` : text;
}
