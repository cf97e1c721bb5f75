import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compareTrials, agreementPairs } from '../../../src/bench/agreement/compare-trials.ts';
import { compareAnswers } from '../../../src/bench/agreement/answer-difference.ts';
import { collect, scratchFolder } from '../../helpers/scratch-folder.ts';
import { trialRecord, trialSpec } from '../trial-records.ts';

const answer = (score: number, verdict: string): string => JSON.stringify({ matched: ['sql'], score, verdict });

describe('two answers', () => {
  test('are compared field by field: numbers, verdicts, lists as a whole, whatever the order of the keys', () => {
    expect(compareAnswers(answer(60, 'maybe'), '{"verdict":"hire","score":70,"matched":["sql"]}')).toEqual({
      sameText: false,
      fields: 3,
      sameFields: 1,
      differences: [10],
      changedVerdict: true,
    });
  });

  test('with a field that one lacks differ in it', () => {
    expect(compareAnswers('{"a":{"b":1},"c":null}', '{"a":{"b":1}}')).toMatchObject({ fields: 2, sameFields: 1 });
  });

  test('in a fence are JSON, and prose that differs is no verdict', () => {
    const fenced = '```json\n{"reason":"knows some sql"}\n```';
    expect(compareAnswers('{"reason":"knows sql"}', fenced)).toMatchObject({ fields: 1, changedVerdict: false });
  });

  test('of a truth value or two words are verdicts; capitals and a full stop change none', () => {
    const isChanged = (left: string, right: string) => compareAnswers(left, right).changedVerdict;
    expect(isChanged('{"hire":true}', '{"hire":false}')).toBe(true);
    expect(isChanged('{"verdict":"strong hire"}', '{"verdict":"no hire"}')).toBe(true);
    expect(isChanged('Yes.', 'yes')).toBe(false);
    expect(isChanged('yes', 'no.')).toBe(true);
  });

  test('are not held to what the input does not expect', () => {
    const longer = '{"score":7,"reason":"knows sql"}';
    expect(compareAnswers({ score: 7 }, longer, true)).toMatchObject({ fields: 1, sameFields: 1 });
    expect(compareAnswers('{"score":7}', longer)).toMatchObject({ fields: 2, sameFields: 1 });
  });

  test('that are one word are a verdict themselves', () => {
    expect(compareAnswers('hire', 'reject')).toMatchObject({ sameText: false, fields: 0, changedVerdict: true });
  });

  test('of which one is an expected value are the same when it says the same', () => {
    expect(compareAnswers({ score: 1 }, '{ "score": 1 }')).toMatchObject({ sameText: true, sameFields: 1 });
  });
});

describe('pairs', () => {
  const trial = (number: number, change: Parameters<typeof trialSpec>[0]) =>
    trialRecord(trialSpec({ number, ...change }));

  test('are each trial with the baseline, and between engines', () => {
    const trials = [
      trial(1, { workers: 4 }),
      trial(2, { workers: 1 }),
      trial(3, { workers: 1, strategy: 'baseline' }),
      trial(4, { backend: 'vllm', workers: 8 }),
    ];
    expect(agreementPairs(trials)).toEqual([
      ...[1, 2, 3, 4].map((right) => ({ left: 'reference', right })),
      { left: 3, right: 1 },
      { left: 3, right: 2 },
      { left: 3, right: 4 },
    ]);
  });

  test('without a baseline are with the fewest workers of the same size; trials without an output have none', () => {
    const trials = [trial(1, { workers: 8 }), trial(2, { workers: 2 }), trial(3, { workers: 1, size: 50 })];
    const lost = { ...trial(4, { workers: 1 }), output: null };
    const pairs = agreementPairs([...trials, lost]).filter(({ left }) => left !== 'reference');
    expect(pairs).toEqual([
      { left: 2, right: 1 },
      { left: 3, right: 2 },
    ]);
  });
});

interface Given {
  id: string;
  text: string | null;
  expected?: unknown;
}

const lineOf = ({ id, text, expected }: Given): string =>
  JSON.stringify({
    id: `batch_req_${id}`,
    custom_id: id,
    response:
      text === null
        ? null
        : { status_code: 200, request_id: id, body: { choices: [{ message: { role: 'assistant', content: text } }] } },
    error: text === null ? { code: 'timeout', message: 'no' } : null,
    llmbatch: { line: 1, ...(expected === undefined ? {} : { row: { expected } }) },
  });

async function benchFolder(outputs: Given[][]): Promise<string> {
  const folder = await scratchFolder();
  await mkdir(join(folder, 'trials'));
  for (const [at, given] of outputs.entries())
    await writeFile(join(folder, `trials/${at + 1}.results.jsonl`), `${given.map(lineOf).join('\n')}\n`);
  return folder;
}

test('two outputs are compared by id, in any order, and with what the input expects', async () => {
  const expected = { matched: ['sql'], score: 60, verdict: 'maybe' };
  const folder = await benchFolder([
    [
      { id: 'a', text: answer(60, 'maybe'), expected },
      { id: 'b', text: answer(50, 'maybe') },
      { id: 'c', text: null },
      { id: 'd', text: 'only here' },
    ],
    [
      { id: 'c', text: answer(1, 'reject') },
      { id: 'b', text: answer(54, 'reject') },
      { id: 'a', text: answer(60, 'maybe'), expected },
    ],
  ]);
  const trials = [trialRecord(trialSpec({ number: 1, workers: 1 })), trialRecord(trialSpec({ number: 2, workers: 8 }))];
  const [first, second, between] = await collect(compareTrials(trials, folder));
  expect([first, second]).toMatchObject([
    { left: 'reference', right: 1, compared: 1, sameText: 1, fields: 3, sameFields: 3, meanDifference: 0 },
    { left: 'reference', right: 2, compared: 1 },
  ]);
  expect(between).toEqual({
    type: 'agreement',
    left: 1,
    right: 2,
    compared: 2,
    sameText: 1,
    fields: 6,
    sameFields: 4,
    meanDifference: 2,
    changedVerdicts: 1,
    worst: [{ id: 'b', left: answer(50, 'maybe'), right: answer(54, 'reject'), difference: 4 }],
  });
});

test('the ten worst are kept of many, changed verdicts before large numbers', async () => {
  const rows = Array.from({ length: 3000 }, (_, at) => ({ id: `r${at}`, at }));
  const folder = await benchFolder([
    rows.map(({ id }) => ({ id, text: answer(0, 'maybe') })),
    rows.map(({ id, at }) => ({ id, text: answer(at, at === 5 ? 'hire' : 'maybe') })).toReversed(),
  ]);
  const trials = [1, 2].map((number) => trialRecord(trialSpec({ number, workers: number })));
  const [record] = await collect(compareTrials(trials, folder));
  expect(record).toMatchObject({ compared: 3000, sameText: 1, sameFields: 6000, meanDifference: 1499.5 });
  expect(record?.worst.map(({ id }) => id)).toEqual(['r5', ...Array.from({ length: 9 }, (_, at) => `r${2999 - at}`)]);
});
