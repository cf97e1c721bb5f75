import { backends } from '../../../src/backends/index.ts';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CurveShape, shapeOf, findCurves } from '../../../src/bench/analysis/worker-curve.ts';
import { titleOf } from '../../../src/bench/analysis/trial-groups.ts';
import { createRandom } from '../random.ts';
import { type Changes, analysed, simulateTrial, trialRecord } from '../simulate-trial.ts';

type Planted = Changes & { seed: number; noise?: (random: number) => number };

const even = (random: number): number => 0.5 + random;
const exponential = (random: number): number => -Math.log(1 - random);

/** A trial of an engine that gets so many requests a second done, with latencies of this noise around their mean. */
function trialOf(workers: number, rate: number, { seed, noise = even, ...changes }: Planted) {
  const random = createRandom(seed * 100 + workers);
  const answer = (): number => ((1000 * workers) / rate) * noise(random());
  return analysed(simulateTrial({ requests: 1000, workers, answer }, changes));
}

const tried = [1, 2, 4, 8];
const seeds = Array.from({ length: 60 }, (_, seed) => seed);

function shapes(rateOf: (workers: number) => number): (CurveShape & { best: number })[] {
  return seeds.flatMap((seed) =>
    findCurves(
      tried.map((workers) => trialOf(workers, rateOf(workers), { seed })),
      backends,
    ).map((curve) => ({
      ...curve,
      best: Math.max(...tried.map(rateOf)),
    })),
  );
}

describe('a curve', () => {
  test.each([
    ['flat', () => 40, 1],
    ["more workers don't help", (workers: number) => 10 * Math.min(workers, 4), 4],
    ['more workers help', (workers: number) => 10 * workers, 8],
    ['more workers hurt', (workers: number) => (workers <= 4 ? 10 * workers : 28), 4],
  ])('is called %s in at least 95 of 100 noisy benches, with the right number', (shape, rateOf, recommended) => {
    const found = shapes(rateOf);
    expect(found).toHaveLength(seeds.length);
    const right = found.filter((curve) => curve.shape === shape && curve.recommended === recommended);
    expect(right.length / found.length).toBeGreaterThanOrEqual(0.95);
  });

  test('recommends one of its numbers, never the slower of two that differ, and the fewest where none do', () => {
    const property = fc.property(
      fc.array(
        fc.record({
          rate: fc.double({ min: 1, max: 100, noNaN: true }),
          half: fc.double({ min: 0, max: 50, noNaN: true }),
        }),
        {
          minLength: 2,
          maxLength: 6,
        },
      ),
      (rated) => {
        const points = rated.map(({ rate, half }, at) => ({
          workers: 2 ** at,
          rate,
          low: rate - half,
          high: rate + half,
          p50: null,
          p95: null,
          rough: null,
          success: 1,
          trials: [at],
        }));
        const { shape, knee, recommended } = shapeOf(points);
        const chosen = points.find((point) => point.workers === recommended);
        const highest = points.reduce((best, point) => (point.rate > best.rate ? point : best));
        expect(chosen).toBeDefined();
        if (shape === 'flat') expect(recommended).toBe(1);
        else expect(recommended).toBe(knee);
        const noise = 3 * Math.hypot(chosen!.high - chosen!.rate, highest.high - highest.rate);
        expect(chosen!.rate + noise).toBeGreaterThanOrEqual(0.9 * highest.rate);
      },
    );
    fc.assert(property, { numRuns: 500 });
  });
});

test('an engine that is no faster is flat in at least 95 of 100 benches, however noisy it is', () => {
  const found = seeds.flatMap((seed) =>
    findCurves(
      tried.map((workers) => trialOf(workers, 40, { seed, noise: exponential })),
      backends,
    ),
  );
  const right = found.filter(({ shape, recommended, knee }) => shape === 'flat' && recommended === 1 && knee !== null);
  expect(right.length / seeds.length).toBeGreaterThanOrEqual(0.95);
});

test('says its rates and the setting that would move the knee', () => {
  const changes = { seed: 1, slots: 4, spec: { backend: 'ollama' } };
  const [curve] = findCurves(
    tried.map((workers) => trialOf(workers, 10 * Math.min(workers, 4), changes)),
    backends,
  );
  expect(curve?.text).toMatch(
    /^More workers are not faster than 4: 1 worker \d[\d.]+ req\/s \([\d.]+ to [\d.]+\), 2 workers /,
  );
  expect(curve?.text).toContain(
    'Use --workers 4. The server works on 4 requests at once. More at once: OLLAMA_NUM_PARALLEL=8',
  );
  expect(titleOf(curve!)).toBe('1,000 requests, independent');
});

test('a trial that is not steady is named and not counted, and one point alone says nothing', () => {
  const short = analysed(simulateTrial({ requests: 20, workers: 8, answer: () => 1000 }, { spec: { size: 1000 } }));
  const [curve] = findCurves([trialOf(1, 10, { seed: 1 }), trialOf(2, 20, { seed: 1 }), short], backends);
  expect(curve).toMatchObject({ shape: 'more workers help', recommended: 2 });
  expect(curve?.text).toContain('8 workers about ');
  const [alone] = findCurves([trialOf(1, 10, { seed: 1 }), short], backends);
  expect(alone).toMatchObject({ shape: null, knee: null, recommended: 1 });
  expect(alone?.text).toMatch(/^Too few of these trials are steady .*\. --workers 1 is probably the best\. /);
});

test('where more workers seem to be faster and are not steady yet, they are the likely best, and nothing is sure', () => {
  const short = analysed(simulateTrial({ requests: 60, workers: 8, answer: () => 20 }, {}));
  const eight = { ...short, record: { ...short.record, spec: { ...short.record.spec, size: 1000 } } };
  const [curve] = findCurves([trialOf(1, 10, { seed: 1 }), trialOf(2, 20, { seed: 1 }), eight], backends);
  expect(curve).toMatchObject({ shape: null, recommended: 8 });
  expect(curve?.text).toContain('--workers 8 is probably the best');
});

test('beyond what the server works on at once no more workers are to be tried', () => {
  const [curve] = findCurves(
    [2, 6].map((workers) => trialOf(workers, workers === 2 ? 20 : 40, { seed: 1, slots: 4 })),
    backends,
  );
  expect(curve?.text).toContain('Use --workers 6.');
  expect(curve?.text).not.toContain('measure more');
});

test('what fails more is not recommended, however fast it is, and a trial that broke off is no point', () => {
  const trials = [1, 2, 4].map((workers) => trialOf(workers, 10 * workers, { seed: 1 }));
  const [, , fast] = trials;
  const failing = { ...fast!, record: { ...fast!.record, succeeded: 950, failed: 50 } };
  const [curve] = findCurves([...trials.slice(0, 2), failing], backends);
  expect(curve?.recommended).toBe(2);
  expect(curve?.text).toMatch(/4 workers [\d.]+ req\/s \([\d.]+ to [\d.]+\), 5\.0% failed/);
  const broken = { ...fast!, record: { ...fast!.record, state: 'failed' as const } };
  expect(findCurves([...trials.slice(0, 2), broken], backends)[0]?.points.map(({ workers }) => workers)).toEqual([
    1, 2,
  ]);
});

test('repeats are one point, whose range holds what lies between them', () => {
  const spec = (repeat: number) => ({ repeat, number: repeat });
  const repeats = [40, 44, 48].map((rate, at) => trialOf(2, rate, { seed: at, spec: spec(at + 1) }));
  const [curve] = findCurves([...repeats, trialOf(1, 20, { seed: 9 })], backends);
  const point = curve?.points[1];
  expect(point?.trials).toEqual([1, 2, 3]);
  expect(point?.rate).toBeCloseTo(44, -0.5);
  expect(point!.low!).toBeLessThan(40);
});

test('sizes, options and strategies have curves of their own, and batches none', () => {
  const records = [1, 2].flatMap((workers) => [
    trialRecord({ spec: { workers } }),
    trialRecord({ spec: { workers, size: 500 } }),
    trialRecord({ spec: { workers, options: { num_ctx: 4096, seed: 1 } } }),
    trialRecord({ spec: { workers, strategy: 'conversation' } }),
    trialRecord({ spec: { workers, batch: workers } }),
  ]);
  expect(findCurves(records.map(analysed), backends).map(titleOf)).toEqual([
    '500 requests, independent',
    '1,000 requests, independent',
    '1,000 requests, independent, num_ctx=4096, seed=1',
    '1,000 requests, conversation',
  ]);
});
