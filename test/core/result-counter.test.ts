import { expect, test } from 'vitest';
import type { ResultSample } from '../../src/core/events.ts';
import { createResultCounter } from '../../src/core/result-counter.ts';

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
  const counter = createResultCounter();
  counter.add(success);
  expect(counter.counts().tokens).toMatchObject({ prompt: 100, completion: 10, cached: null, cacheHitRate: null });
});

test('a sum is unknown once an answer came whose tokens nobody counted', () => {
  const counter = createResultCounter();
  counter.add(success);
  counter.add({ ...success, promptTokens: null, completionTokens: null });
  counter.add(success);
  expect(counter.counts().tokens).toMatchObject({ prompt: null, completion: null });
});

test('a failure and what was tried before count, and what nobody counted of them makes the sums the least', () => {
  const counter = createResultCounter();
  counter.add(success);
  counter.add({ ...success, kind: 'truncated' });
  counter.add({ ...success, kind: 'timeout', promptTokens: null, completionTokens: 4 });
  const retried = { promptTokens: 100, completionTokens: 3, cachedTokens: null, uncounted: 2, latencyMs: 9 };
  counter.add({ ...success, retried });
  expect(counter.counts().tokens).toMatchObject({
    prompt: 400,
    completion: 37,
    uncounted: 3,
    answered: { prompt: 200, completion: 20 },
  });
});

test('where nothing but uncounted failures came, nothing is known, and a refusal costs nothing', () => {
  const [unknown, refused] = [createResultCounter(), createResultCounter()];
  unknown.add({ ...success, kind: 'timeout', promptTokens: null, completionTokens: null });
  refused.add({ ...success, kind: 'rate-limited', promptTokens: 0, completionTokens: 0 });
  expect(unknown.counts().tokens).toMatchObject({ prompt: null, completion: null, uncounted: 1 });
  expect(refused.counts().tokens).toMatchObject({ prompt: 0, completion: 0, uncounted: 0 });
});

test('the cache hit rate is over the results that report it', () => {
  const counter = createResultCounter();
  counter.add(success);
  counter.add({ ...success, cachedTokens: 80 });
  counter.add({ ...success, cachedTokens: 0 });
  expect(counter.counts().tokens).toMatchObject({ prompt: 300, cached: 80, cacheHitRate: 0.4 });
});

test('errors are counted by kind and by group, the most frequent first', () => {
  const counter = createResultCounter();
  for (const kind of ['timeout', 'truncated', 'refused', 'truncated'] as const) counter.add({ ...success, kind });
  const { done, failed, errors } = counter.counts();
  expect({ done, failed }).toEqual({ done: 4, failed: 4 });
  expect(Object.entries(errors.byKind)).toEqual([
    ['truncated', 2],
    ['timeout', 1],
    ['refused', 1],
  ]);
  expect(errors.byGroup).toEqual({ model: 3, timeout: 1 });
});
