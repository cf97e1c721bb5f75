import { expect, test } from 'vitest';
import { summarySentences } from '../../../src/bench/report/summary-part.ts';
import { changeSnapshot } from '../../helpers/change-snapshot.ts';
import { sampleBench } from '../sample-bench.ts';

/** Of two repeats of one setting, with so much of their prompts from the cache. */
function sentences(shares: [number | null, number | null]): string[] {
  const { analysis } = sampleBench();
  const { record, ...rest } = analysis.trials[1]!;
  const repeats = shares.map((cacheHitRate, at) => ({
    ...rest,
    record: {
      ...record,
      spec: { ...record.spec, number: 100 + at, repeat: at + 1 },
      summary: { ...record.summary, tokens: { ...record.summary.tokens, cacheHitRate } },
    },
  }));
  return summarySentences({ ...analysis, trials: repeats });
}

test('prompts that a trial finds in the cache because the one before it had them are told', () => {
  expect(sentences([0.4, 0.9])).toContainEqual(
    expect.stringMatching(
      /^ollama gemma3:4b found 90\.0% .* in a later trial, and 40\.0% in the first\. .* only the first trial shows the real rate\.$/,
    ),
  );
  for (const shares of [
    [0.4, 0.45],
    [0.9, 0.4],
    [null, null],
  ] as [number | null, number | null][])
    expect(sentences(shares).join(' ')).not.toContain('the real rate');
});

test('failed requests are told with their messages, and what the numbers say of them', () => {
  const { analysis } = sampleBench();
  expect(summarySentences(analysis).join(' ')).not.toContain('failed');
  const { record, ...rest } = analysis.trials[1]!;
  const failures = [
    { kind: 'truncated' as const, count: 400, message: 'the answer was cut after 80 tokens', ids: ['line-1'] },
  ];
  const summary = changeSnapshot(record.summary, { errors: { byKind: { truncated: 400 }, byGroup: {}, failures } });
  const trials = [{ ...rest, record: { ...record, succeeded: 600, failed: 400, summary } }];
  expect(summarySentences({ ...analysis, trials })).toEqual(
    expect.arrayContaining([
      '400 of 1,000 requests failed. Rates and latencies are those of the other requests. A projected time is for all requests, with the same share of failures.',
      'The failures of trial 2: truncated 400: the answer was cut after 80 tokens (line-1, ...).',
    ]),
  );
});

test('answers that no setting changed are told with the number that was compared', () => {
  const { analysis } = sampleBench();
  const trials = analysis.trials.map((trial) => ({ ...trial, changesAnswers: false, changedShare: 0 }));
  const same = analysis.agreements.map((pair) => ({ ...pair, compared: 6 }));
  const sentencesOf = (agreements: typeof same): string =>
    summarySentences({ ...analysis, trials, agreements }).join(' ');
  expect(sentencesOf(same)).toContain('No setting changed an answer (compared: 6 requests).');
  expect(sentencesOf([...same.slice(1), { ...same.at(-1)!, compared: 1 }])).toContain('(compared: 1 request or more).');
  expect(sentencesOf([])).not.toContain('compared');
});
