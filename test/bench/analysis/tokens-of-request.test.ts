import { expect, test } from 'vitest';
import { tokensOfRequest } from '../../../src/bench/analysis/tokens-of-request.ts';

const answered = { prompt: 800, completion: 80 };
const tokens = { prompt: 1000, completion: 90, uncounted: 0, answered, cached: 500, cacheHitRate: 0.5 };

test('a request costs its share of all attempts, where each was counted', () => {
  const each = tokensOfRequest({ tokens, succeeded: 8, failed: 2 });
  expect(each).toEqual({ prompt: 100, completion: 9, computed: 50 });
});

test('a request costs what an answer does, where nobody counted some of the failures', () => {
  const each = tokensOfRequest({ tokens: { ...tokens, uncounted: 1 }, succeeded: 8, failed: 2 });
  expect(each).toEqual({ prompt: 100, completion: 10, computed: 50 });
});

test('what was not measured is not known', () => {
  const none = { ...tokens, prompt: null, answered: { prompt: null, completion: 80 } };
  expect(tokensOfRequest({ tokens: none, succeeded: 8, failed: 2 })).toMatchObject({ prompt: null, computed: null });
  expect(tokensOfRequest({ tokens, succeeded: 0, failed: 10 })).toMatchObject({ prompt: null, completion: null });
});
