import { expect, test } from 'vitest';
import { retrySteps } from '../../src/report/failures/retry-steps.ts';

const facts = { output: 'a.results.jsonl', parameters: {}, isPiped: false };
const cut = (message: string) => ({
  byKind: { truncated: 1 },
  byGroup: {},
  failures: [{ kind: 'truncated' as const, count: 1, message, ids: ['a'] }],
});

test('lines are to be mended only where their own limit cut the answer', () => {
  expect(retrySteps(cut('the answer was cut after 3 tokens: raise max_tokens'), facts)).toEqual([
    {
      reason: 'truncated: mend these lines, then',
      command: 'llmbatch resume a.results.jsonl --allow-drift --retry-failed all',
    },
  ]);
  expect(retrySteps(cut('the engine cut it'), facts)).toEqual([
    { reason: 'as they are', command: 'llmbatch resume a.results.jsonl --retry-failed all' },
  ]);
});

test('the limit of the run is raised', () => {
  const limited = { ...facts, parameters: { max_tokens: 100 } };
  expect(retrySteps(cut('the answer was cut after 100 tokens: raise max_tokens'), limited)).toEqual([
    { reason: 'with longer answers', command: 'llmbatch resume a.results.jsonl --max-tokens 400 --retry-failed all' },
  ]);
});
