import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { drawOutcome, drawNumber } from '../../../src/backends/mock/answer.ts';
import { type MockOptions, mockOptionsSchema } from '../../../src/backends/mock/options.ts';

const optionsOf = async (options: Record<string, unknown>): Promise<MockOptions> =>
  (await mockOptionsSchema()).parse(options);

test('the latency varies by no more than latency_jitter, the same each time', async () => {
  const defaults = await optionsOf({});
  fc.assert(
    fc.property(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), fc.string(), (seed, jitter, id) => {
      const options = { ...defaults, seed, latency_jitter: jitter };
      const { jitter: factor } = drawOutcome(options, id, 0);
      // Near 1 a number is rounded by so much.
      expect(Math.abs(factor - 1)).toBeLessThanOrEqual(jitter + Number.EPSILON);
      expect(drawOutcome(options, id, 0).jitter).toBe(factor);
    }),
  );
});

test('fault_attempts faults come first and no others', async () => {
  const options = await optionsOf({ fault_rate: 0.5, fault_attempts: 3 });
  for (let index = 0; index < 200; index++) {
    const faults = [0, 1, 2, 3, 4].map((attempt) => drawOutcome(options, `request-${index}`, attempt).fault !== null);
    expect([
      [false, false, false, false, false],
      [true, true, true, false, false],
    ]).toContainEqual(faults);
  }
});

test('draws are spread evenly over 0 to 1', () => {
  const buckets = Array.from({ length: 10 }, () => 0);
  for (let index = 0; index < 100_000; index++) {
    const bucket = Math.floor(drawNumber(`0 fault 0 request-${index}`) * 10);
    buckets[bucket] = (buckets[bucket] ?? 0) + 1;
  }
  for (const count of buckets) expect(Math.abs(count - 10_000)).toBeLessThan(600);
});
