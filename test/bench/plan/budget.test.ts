import { describe, expect, test } from 'vitest';
import { estimateSeconds, limitsOf } from '../../../src/bench/plan/budget.ts';
import { trialRecord, trialSpec } from '../trial-records.ts';

/** Two points, two rounds. */
const specs = [2, 4, 4, 2].map((workers, at) =>
  trialSpec({ number: at + 1, workers, size: 100, repeat: at < 2 ? 1 : 2 }),
);
const [first, second, third, fourth] = specs;
const done = [trialRecord(first!, { seconds: 10 }), trialRecord(second!, { seconds: 6 })];

describe('the time of a trial', () => {
  test('is not limited without a budget', () => {
    expect(limitsOf(first!, { left: specs, done: [], secondsLeft: null })).toBeNull();
  });

  test('is an equal part of what is left, and at most so much that each point has its first trial', () => {
    expect(limitsOf(first!, { left: specs, done: [], secondsLeft: 40 })).toEqual({
      maxMs: 20_000,
      enough: { ms: 10_000, requests: 200 },
    });
    expect(limitsOf(second!, { left: specs.slice(1), done, secondsLeft: 30 })).toMatchObject({ maxMs: 30_000 });
  });

  test('leaves none where the same point took longer than is left', () => {
    const left = [third!, fourth!];
    expect(limitsOf(third!, { left, done, secondsLeft: 6 })).toMatchObject({ maxMs: 3000 });
    expect(limitsOf(third!, { left, done, secondsLeft: 5.9 })).toBe('none');
    expect(limitsOf(first!, { left: specs, done: [], secondsLeft: 0 })).toBe('none');
  });

  test('is not told by a trial that failed', () => {
    const failed = [trialRecord(third!, { state: 'failed', seconds: 100 })];
    expect(limitsOf(second!, { left: specs, done: failed, secondsLeft: 10 })).not.toBe('none');
  });
});

describe('the time left', () => {
  test('is what the same points took, and by the requests for others', () => {
    expect(estimateSeconds({ left: [third!, fourth!], done, secondsLeft: null })).toBe(16);
    const other = trialSpec({ number: 9, workers: 8, size: 1000 });
    expect(estimateSeconds({ left: [other], done, secondsLeft: null })).toBeCloseTo(80);
  });

  test('is never more than the budget has', () => {
    expect(estimateSeconds({ left: [third!, fourth!], done, secondsLeft: 12 })).toBe(12);
    expect(estimateSeconds({ left: [third!], done, secondsLeft: -3 })).toBe(0);
  });

  test('is not known before a trial has ended', () => {
    const failed = [trialRecord(first!, { state: 'failed', seconds: 1 })];
    expect(estimateSeconds({ left: specs, done: failed, secondsLeft: 100 })).toBeNull();
  });
});
