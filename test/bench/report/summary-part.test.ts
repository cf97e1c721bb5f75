import { expect, test } from 'vitest';
import { summarySentences } from '../../../src/bench/report/summary-part.ts';
import { sampleBench } from '../sample-bench.ts';

/** Ollama's two trials of 1 and 2 workers, with so much of their prompts from the cache. */
function sentences(shares: [number | null, number | null]): string[] {
  const { analysis } = sampleBench();
  let index = 0;
  const trials = analysis.trials.map((trial) => {
    const { record } = trial;
    if (record.spec.backend !== 'ollama' || record.spec.strategy === 'baseline') return trial;
    const cacheHitRate = shares[index++] ?? null;
    const summary = { ...record.summary, tokens: { ...record.summary.tokens, cacheHitRate } };
    return { ...trial, record: { ...record, summary } };
  });
  return summarySentences({ ...analysis, trials });
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
