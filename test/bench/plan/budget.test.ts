import { describe, expect, test } from 'vitest';
import { estimateAll, estimateSeconds, fitsBudget, spentSeconds } from '../../../src/bench/plan/choose-size.ts';
import { trialRecord, trialSpec } from '../trial-records.ts';

const done = [
  trialRecord(trialSpec({ workers: 2, size: 100 }), { seconds: 10, load_ms: 2000 }),
  trialRecord(trialSpec({ workers: 4, size: 100 }), { seconds: 6, load_ms: null }),
];

describe('estimateSeconds', () => {
  test('is what the same point took before, without the load that trials share', () => {
    expect(estimateSeconds(trialSpec({ workers: 2, size: 100, repeat: 2 }), done)).toBe(10);
  });

  test('of another size goes by the requests, with the same workers', () => {
    expect(estimateSeconds(trialSpec({ workers: 4, size: 1000 }), done)).toBeCloseTo(60);
  });

  test('of other workers goes by all of the same engine; of another engine by all', () => {
    expect(estimateSeconds(trialSpec({ workers: 8, size: 100 }), done)).toBeCloseTo(8);
    expect(estimateSeconds(trialSpec({ backend: 'mock', size: 100 }), done)).toBeCloseTo(8);
  });

  test('of a cold model says nothing of a warm one', () => {
    const cold = trialRecord(trialSpec({ strategy: 'baseline', size: 20 }), { seconds: 600 });
    expect(estimateSeconds(trialSpec(), [cold])).toBeNull();
  });

  test('is null before anything ended, and a failed trial says nothing', () => {
    expect(estimateSeconds(trialSpec(), [])).toBeNull();
    expect(estimateSeconds(trialSpec(), [trialRecord(trialSpec(), { state: 'failed', seconds: 1 })])).toBeNull();
  });
});

test('what is left is the sum of the estimates', () => {
  expect(estimateAll([trialSpec({ workers: 2, size: 100 }), trialSpec({ workers: 4, size: 100 })], done)).toBe(16);
  expect(spentSeconds(done)).toBe(16);
});

describe('fitsBudget', () => {
  test('leaves out what would take longer than is left', () => {
    const spec = trialSpec({ workers: 2, size: 100, repeat: 2 });
    expect(fitsBudget(spec, { done, leftSeconds: 10 })).toBe(true);
    expect(fitsBudget(spec, { done, leftSeconds: 9 })).toBe(false);
  });

  test('tries what is not known while there is time', () => {
    expect(fitsBudget(trialSpec(), { done: [], leftSeconds: 0.1 })).toBe(true);
    expect(fitsBudget(trialSpec(), { done: [], leftSeconds: 0 })).toBe(false);
  });
});
