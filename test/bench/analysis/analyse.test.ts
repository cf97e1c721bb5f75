import { backends } from '../../../src/backends/index.ts';
import { expect, test } from 'vitest';
import { UsageError } from '../../../src/core/errors.ts';
import { analyse } from '../../../src/bench/analysis/analyse.ts';
import type { AgreementRecord } from '../../../src/bench/records/records.ts';
import { planRecord } from '../plan-record.ts';
import { simulateTrial, trialRecord } from '../simulate-trial.ts';

const trials = [
  trialRecord({ spec: { number: 1, workers: 1 } }),
  trialRecord({ spec: { number: 2, workers: 8 } }),
  trialRecord({ spec: { number: 3, workers: 1, backend: 'ollama' } }),
];

const agreement = (changes: Partial<AgreementRecord>): AgreementRecord => ({
  type: 'agreement',
  left: 1,
  right: 2,
  compared: 100,
  sameText: 100,
  fields: 0,
  sameFields: 0,
  meanDifference: null,
  changedVerdicts: 0,
  worst: [],
  ...changes,
});

const changes = (...agreements: AgreementRecord[]) =>
  analyse([planRecord(trials), ...trials, ...agreements], backends).trials.map(({ changesAnswers }) => changesAnswers);

test('a trial whose answers are not those of its reference is marked', () => {
  expect(changes()).toEqual([null, null, null]);
  expect(changes(agreement({}))).toEqual([null, false, null]);
  expect(changes(agreement({ sameText: 99 }))).toEqual([null, true, null]);
});

test('JSON answers are compared by their fields', () => {
  expect(changes(agreement({ sameText: 50, fields: 300, sameFields: 300 }))).toEqual([null, false, null]);
  expect(changes(agreement({ sameText: 50, fields: 300, sameFields: 290 }))).toEqual([null, true, null]);
});

test('what a few answers of a thousand differ by is noise, as is what repeats of one setting differ by', () => {
  expect(changes(agreement({ sameText: 100, fields: 1000, sameFields: 991 }))).toEqual([null, false, null]);
  const specs = [1, 2, 3].map((number) => ({ number, workers: number === 3 ? 4 : 1, repeat: number }));
  const records = specs.map((spec) => trialRecord({ spec }));
  const found = (right: number) =>
    analyse(
      [
        planRecord(records),
        ...records,
        agreement({ left: 1, right: 2, sameText: 70 }),
        agreement({ left: 1, right: 3, sameText: right }),
      ],
      backends,
    ).trials.map(({ changesAnswers }) => changesAnswers);
  expect(found(75)).toEqual([null, false, false]);
  expect(found(60)).toEqual([null, false, true]);
});

test('neither another engine nor what the input expects says that answers changed', () => {
  expect(changes(agreement({ right: 3, sameText: 0 }), agreement({ left: 'reference', sameText: 0 }))).toEqual([
    null,
    null,
    null,
  ]);
});

test('the same records, written and read again, mean the same', () => {
  const records = [planRecord(trials), ...trials, simulateTrial({ requests: 500, workers: 4, answer: () => 50 })];
  const read = JSON.parse(JSON.stringify(records)) as typeof records;
  expect(analyse(read, backends)).toEqual(analyse(records, backends));
});

test('of a trial that was run again the last counts, in the order of execution', () => {
  const again = trialRecord({ spec: { number: 1, workers: 1 }, seconds: 7 });
  const { trials: found } = analyse([planRecord(trials), ...trials.toReversed(), again], backends);
  expect(found.map(({ record }) => [record.spec.number, record.seconds])).toEqual([
    [1, 7],
    [2, 100],
    [3, 100],
  ]);
});

test('records without a plan are refused', () => {
  expect(() => analyse(trials, backends)).toThrow(UsageError);
});
