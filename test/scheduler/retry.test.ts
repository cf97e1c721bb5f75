import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failure } from '../../src/core/completion.ts';
import { allErrorKinds, isTransient } from '../../src/core/errors.ts';
import { retryDelay } from '../../src/scheduler/handle-failure.ts';

const kinds = fc.constantFrom(...allErrorKinds);
const randoms = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('the delay before a retry', () => {
  test('is from 0 to the bound, which doubles from 500 ms to 30 s', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), randoms, (attempts, random) => {
        const delayMs = retryDelay(
          failure('timeout', ''),
          { attempts, forgiven: 0 },
          {
            retries: 1000,
            retryOn: [],
            random: () => random,
          },
        );
        const bound = Math.min(30_000, 500 * 2 ** (attempts - 1));
        expect(delayMs).toBeGreaterThanOrEqual(0);
        expect(delayMs).toBeLessThan(bound);
      }),
    );
  });

  test('is never shorter than the server asked for, nor longer than ten minutes', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), randoms, (retryAfterMs, random) => {
        const asked = { ...failure('rate-limited', ''), retryAfterMs };
        const delayMs =
          retryDelay(asked, { attempts: 1, forgiven: 0 }, { retries: 3, retryOn: [], random: () => random }) ?? -1;
        expect(delayMs).toBeGreaterThanOrEqual(Math.min(retryAfterMs, 600_000));
        expect(delayMs).toBeLessThanOrEqual(600_000);
      }),
    );
  });

  test('is there for transient kinds and those that were asked for, as long as there are retries left', () => {
    const forgivens = fc.nat(5);
    const counted = fc.integer({ min: 1, max: 8 });
    fc.assert(
      fc.property(kinds, fc.array(kinds), fc.tuple(fc.nat(5), counted, forgivens), (kind, retryOn, tries) => {
        const [retries, count, forgiven] = tries;
        const delayMs = retryDelay(failure(kind, ''), { attempts: count + forgiven, forgiven }, { retries, retryOn });
        expect(delayMs !== null).toBe((isTransient(kind) || retryOn.includes(kind)) && count <= retries);
      }),
    );
  });
});
