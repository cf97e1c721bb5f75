import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createBreaker } from '../../../src/scheduler/limits/breaker.ts';

function rateAfter(maxErrorRate: number, results: boolean[]): number | null {
  const breaker = createBreaker(maxErrorRate);
  for (const failed of results) breaker.add(failed);
  return breaker.tripped();
}

const repeat = (failed: boolean, count: number): boolean[] => Array.from({ length: count }, () => failed);

describe('the breaker', () => {
  test('lets a short bad stretch pass', () => {
    expect(rateAfter(0.5, repeat(true, 49))).toBeNull();
    expect(rateAfter(0.5, repeat(true, 50))).toBe(1);
  });

  test('trips only above the rate', () => {
    expect(rateAfter(0.5, [...repeat(false, 50), ...repeat(true, 50)])).toBeNull();
    expect(rateAfter(0.5, [...repeat(false, 49), ...repeat(true, 51)])).toBe(0.51);
  });

  test('forgets what is further back than 100 results', () => {
    expect(rateAfter(0.5, [...repeat(false, 100_000), ...repeat(true, 51)])).toBe(0.51);
    expect(rateAfter(0.5, [...repeat(true, 100), ...repeat(false, 50)])).toBeNull();
  });

  test('never trips at a rate of 1', () => {
    expect(rateAfter(1, repeat(true, 1000))).toBeNull();
  });

  test('says the share of failures among the last 100', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 50, maxLength: 400 }), (results) => {
        const last = results.slice(-100);
        const share = last.filter(Boolean).length / last.length;
        expect(rateAfter(0, results)).toBe(share > 0 ? share : null);
      }),
    );
  });
});
