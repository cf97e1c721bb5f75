import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { type AgreementPair, agreementPairs } from './agreement-pairs.ts';
import { type AgreementTally, createAgreementTally } from './agreement-tally.ts';
import { indexAnswers, readAnswers } from './answers.ts';
import type { AgreementRecord, TrialRecord } from './records.ts';

/** What names a comparison. */
export const pairKey = ({ left, right }: AgreementPair): string => `${left} ${right}`;

/**
 * Compares the answers of the trials of a bench, pair after pair; pairs that have no request in common are left out.
 * `folder`: of the bench, which the outputs are named from; `known`: pairs to pass over. Memory does not grow with the answers.
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

/** An output that somebody removed is compared with nothing. */
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
    const tally = createAgreementTally({ left, right });
    await (other === null ? compareWithExpected(tally, given) : compareOutputs(tally, other, given));
    return tally.read();
  } finally {
    await Promise.all([given.close(), other?.close()]);
  }
}

async function compareWithExpected(tally: AgreementTally, given: FileHandle): Promise<void> {
  for await (const answers of readAnswers(given)) {
    for (const { id, text, expected } of answers) if (expected !== undefined) tally.add(id, expected, text);
  }
}

async function compareOutputs(tally: AgreementTally, other: FileHandle, given: FileHandle): Promise<void> {
  const others = await indexAnswers(other);
  for await (const answers of readAnswers(given)) {
    const texts = await others.find(answers.map(({ id }) => id));
    for (const [at, { id, text }] of answers.entries()) {
      const left = texts[at];
      if (left !== null && left !== undefined) tally.add(id, left, text);
    }
  }
}
