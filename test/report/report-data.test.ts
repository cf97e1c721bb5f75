import { expect, test } from 'vitest';
import { foldReport } from '../../src/report/report-data.ts';
import { resultLine, run, sampleReport } from './sample-run.ts';

test('a report counts requests, tokens, errors and attempts', () => {
  expect(sampleReport()).toMatchObject({
    done: 100,
    succeeded: 95,
    failed: 5,
    tokens: { prompt: 9500, completion: 950, cached: 5700, cacheHitRate: 0.6 },
    tokensSaved: 5700,
    errors: { byKind: { timeout: 3, truncated: 2 }, byGroup: { timeout: 3, model: 2 } },
    attempts: [
      { attempts: 1, requests: 90 },
      { attempts: 2, requests: 10 },
    ],
    schema: null,
  });
});

test('times are those of successes, and the slowest ten are named', () => {
  const { latencyMs, queueMs, slowest } = sampleReport();
  expect(latencyMs).toMatchObject({ count: 95, max: 199 });
  expect(queueMs).toBeNull();
  expect(slowest.map((row) => row.line)).toEqual([100, 99, 98, 97, 96, 95, 94, 93, 92, 91]);
});

test('the rate is per second of work: what the manifest says, else from the first to the last result', () => {
  expect(sampleReport().requestRate).toBeCloseTo(100 / 99.199, 6);
  expect(sampleReport({ elapsedSeconds: 50 })).toMatchObject({ requestRate: 2, generationRate: 19, promptRate: 76 });
});

test('lines that never became a request count as failed, and are no part of rates and times', () => {
  const fold = foldReport();
  fold.add(resultLine(1, { error: 'input', attempts: 0 }));
  expect(fold.finish(run)).toMatchObject({
    failed: 1,
    requestRate: null,
    latencyMs: null,
    rateOverTime: null,
    slowest: [],
  });
});

test('answers that were checked against a schema are counted', () => {
  const fold = foldReport();
  const line = resultLine(1);
  fold.add({ ...line, llmbatch: { ...line.llmbatch, parsed: { score: 1 } } });
  fold.add(resultLine(2, { error: 'schema-invalid' }));
  expect(fold.finish(run).schema).toEqual({
    passed: 1,
    failed: 1,
    failures: [{ id: 'candidate-2', line: 3, message: 'no' }],
  });
});

test('an empty output is a report of nothing, not of zeros', () => {
  expect(foldReport().finish(run)).toMatchObject({
    done: 0,
    elapsedSeconds: null,
    requestRate: null,
    tokensSaved: null,
    latencyMs: null,
    rateOverTime: null,
  });
});
