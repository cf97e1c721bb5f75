import { expect, test } from 'vitest';
import type { ResultSample } from '../../src/core/events.ts';
import { createTally } from '../../src/core/tally.ts';

const success: ResultSample = {
  kind: null,
  promptTokens: 100,
  completionTokens: 10,
  cachedTokens: null,
  latencyMs: 50,
  ttftMs: null,
  queueMs: null,
  attempts: 1,
  endedAt: 1,
};

test('cached tokens are unknown until a result reports them', () => {
  const tally = createTally();
  tally.add(success);
  expect(tally.counts().tokens).toEqual({ prompt: 100, completion: 10, cached: null, cacheHitRate: null });
});

test('a sum is unknown once an answer came whose tokens nobody counted', () => {
  const tally = createTally();
  tally.add(success);
  tally.add({ ...success, promptTokens: null, completionTokens: null });
  tally.add(success);
  expect(tally.counts().tokens).toMatchObject({ prompt: null, completion: null });
});

test('the cache hit rate is over the results that report it', () => {
  const tally = createTally();
  tally.add(success);
  tally.add({ ...success, cachedTokens: 80 });
  tally.add({ ...success, cachedTokens: 0 });
  expect(tally.counts().tokens).toMatchObject({ prompt: 300, cached: 80, cacheHitRate: 0.4 });
});

test('errors are counted by kind and by group, the most frequent first', () => {
  const tally = createTally();
  for (const kind of ['timeout', 'truncated', 'refused', 'truncated'] as const) tally.add({ ...success, kind });
  const { done, failed, errors, errorGroups } = tally.counts();
  expect({ done, failed }).toEqual({ done: 4, failed: 4 });
  expect(Object.entries(errors)).toEqual([
    ['truncated', 2],
    ['timeout', 1],
    ['refused', 1],
  ]);
  expect(errorGroups).toEqual({ model: 3, timeout: 1 });
});

test('a forgotten failure leaves no trace in the errors', () => {
  const tally = createTally();
  tally.add({ ...success, kind: 'timeout' });
  tally.forget('timeout');
  tally.add(success);
  expect(tally.counts()).toMatchObject({ done: 1, succeeded: 1, failed: 0, errors: {}, errorGroups: {} });
});
