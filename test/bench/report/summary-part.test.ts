import { expect, test } from 'vitest';
import { summarySentences } from '../../../src/bench/report/summary-part.ts';
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
      /^ollama gemma3:4b found 90\.0% .* in a later trial, and 40\.0% in the first: .* Believe the first\.$/,
    ),
  );
  for (const shares of [
    [0.4, 0.45],
    [0.9, 0.4],
    [null, null],
  ] as [number | null, number | null][])
    expect(sentences(shares).join(' ')).not.toContain('Believe the first');
});
