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

test('failures that say the same are one group, with the range of their numbers and up to five ids', () => {
  const counter = createResultCounter();
  const fail = (id: string, message: string) =>
    counter.add({ ...success, kind: 'truncated', failure: { id, message } });
  for (let index = 1; index <= 7; index++) fail(`r${index}`, `cut after ${index * 10} tokens`);
  fail('x', 'no field "name"');
  fail('y', 'no field "city"');
  fail('z', 'not JSON: "a b 1" is no value');
  fail('z2', 'not JSON: "some other words" is no value');
  expect(counter.counts().errors.failures).toEqual([
    { kind: 'truncated', count: 7, message: 'cut after 10 to 70 tokens', ids: ['r1', 'r2', 'r3', 'r4', 'r5'] },
    { kind: 'truncated', count: 2, message: 'not JSON: "a b 1" is no value', ids: ['z', 'z2'] },
    { kind: 'truncated', count: 1, message: 'no field "name"', ids: ['x'] },
    { kind: 'truncated', count: 1, message: 'no field "city"', ids: ['y'] },
  ]);
});

test('of endless different messages few are kept, and each failure is still counted', () => {
  const counter = createResultCounter();
  for (let index = 0; index < 10_000; index++) {
    const message = `reason ${'x'.repeat(index % 1000)}`;
    counter.add({ ...success, kind: 'bad-request', failure: { id: `r${index}`, message } });
  }
  const { failures, byKind } = counter.counts().errors;
  expect(failures).toHaveLength(4);
  expect(byKind).toEqual({ 'bad-request': 10_000 });
});
