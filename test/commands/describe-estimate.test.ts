import { expect, test } from 'vitest';
import type { RunEstimate } from '../../src/bench/estimate-run.ts';
import { describeEstimate } from '../../src/commands/run/describe-estimate.ts';

const rough = { rate: 0.5, low: 0.1, high: 0.9 };
const unsteady = {
  ...{ isSteady: false, neededRequests: 90, rate: null, low: null, high: null, generationRate: null },
  ...{ rough, from: 0, to: 0, trend: null },
};
const some: RunEstimate = {
  ...{ requests: 1000, sampled: 200, succeeded: 28, failed: 0, seconds: 56, first20Rate: 0.4, loadMs: 2000, rate: 0.5 },
  errors: { byKind: {}, byGroup: {}, failures: [] },
  steady: unsteady,
  hours: { expected: 0.55, low: 0.31, high: 2.8 },
  tokens: { prompt: 40_000, completion: 100_000 },
  isTimeOver: true,
  unfinished: { requests: 4, tokens: 300, seconds: 60, minHours: null },
};
const none: RunEstimate = {
  ...{ ...some, succeeded: 0, seconds: 0, rate: null, first20Rate: null, hours: null },
  steady: { ...unsteady, rough: null, neededRequests: null },
  tokens: { prompt: null, completion: null },
  unfinished: { requests: 4, tokens: 812, seconds: 60, minHours: 4.2 },
};
const linesOf = (found: RunEstimate): string[] => describeEstimate('in.jsonl', found).split('\n');

test('a sample that was stopped in time is told with what was in flight, and for how long another one would have to be', () => {
  expect(linesOf(some)).toEqual([
    'in.jsonl: 1,000 requests',
    '  sample  28 answered in 1m 00s; 4 in flight, with 300 tokens so far; the model was loaded in 2.0 s',
    '  rate    0.50 req/s, not steady yet: --estimate 3m would be more exact; the first 20: 0.40 req/s',
    '  time    about 33m 00s (18m 36s to 2h 48m), by a rate that is not steady',
    '  tokens  40.0k prompt, 100k completion',
    'Nothing was written.',
    '',
  ]);
});

test('a sample without an answer says what is known, and how to go on', () => {
  expect(linesOf(none).slice(1)).toEqual([
    '  sample  0 answered in 1m 00s; 4 in flight, with 812 tokens so far; the model was loaded in 2.0 s',
    '  time    4h 12m or more: no answer ended within 1m 00s, with 4 at once (13.5 tok/s in all)',
    '--max-tokens makes the answers shorter, --estimate 10m waits longer.',
    'Nothing was written.',
    '',
  ]);
});

test('so many requests are proposed where they fit into the time of a sample', () => {
  const quick = { ...some, rate: 20, isTimeOver: false, unfinished: null };
  expect(linesOf(quick)[2]).toContain('not steady yet: --estimate 90 would be more exact');
  expect(linesOf({ ...quick, sampled: 1000 })[2]).toContain('these are all that there are');
});
