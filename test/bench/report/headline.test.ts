import { backends } from '../../../src/backends/index.ts';
import { expect, test } from 'vitest';
import { analyse } from '../../../src/bench/analysis/analyse.ts';
import { bestSettings } from '../../../src/bench/analysis/best-settings.ts';
import { compareEngines } from '../../../src/bench/analysis/engine-numbers.ts';
import type { TrialRecord } from '../../../src/bench/records/records.ts';
import { headlines } from '../../../src/bench/report/headline.ts';
import { planRecord } from '../plan-record.ts';
import { createRandom } from '../random.ts';
import { type Changes, simulateTrial, trialRecord } from '../simulate-trial.ts';

interface Tried {
  workers: number;
  rate: number;
  requests?: number;
  number: number;
}

function trialOf({ workers, rate, requests = 1000, number }: Tried, changes: Changes = {}): TrialRecord {
  const random = createRandom(number);
  const answer = (): number => ((1000 * workers) / rate) * (0.5 + random());
  return simulateTrial({ requests, workers, answer }, { ...changes, spec: { number, ...changes.spec } });
}

const analysed = (...trials: TrialRecord[]) => analyse([planRecord(trials), ...trials], backends);

const rates = (ofWorkers: Record<number, number>, requests = 1000): TrialRecord[] =>
  Object.entries(ofWorkers).map(([workers, rate], at) =>
    trialOf({ workers: Number(workers), rate, requests, number: at + 1 }),
  );

const onThisMachine = { hardware: 'a GPU', folder: '/b' };

test.each([
  [{ 1: 40, 2: 40, 4: 40 }, 1, 'More workers make no measurable difference.'],
  [{ 1: 10, 2: 20, 4: 20 }, 2, "More workers don't help."],
  [{ 1: 10, 2: 20, 4: 40 }, 4, 'The largest number that was tried is the fastest; more may be faster still.'],
  [{ 1: 10, 2: 20, 4: 12 }, 2, 'More workers are slower.'],
])('of %j the same number is told, projected, compared and saved', (ofWorkers, workers, reason) => {
  const analysis = analysed(...rates(ofWorkers));
  expect(headlines(analysis)).toEqual([
    expect.stringMatching(
      new RegExp(`^Use --workers ${workers}: [\\d.]+ req/s \\([\\d.]+ to [\\d.]+\\)\\. ${reason}$`),
    ),
  ]);
  expect(compareEngines(analysis).map(({ trial }) => trial.record.spec.workers)).toEqual([workers]);
  expect(bestSettings(analysis, onThisMachine).map((setting) => setting.workers)).toEqual([workers]);
  expect(analysis.curves[0]?.recommended).toBe(workers);
});

test('a small file has a likely best, with its range, and nothing is saved', () => {
  const analysis = analysed(...rates({ 1: 3, 2: 5, 4: 8 }, 20));
  const [headline] = headlines(analysis);
  expect(headline).toMatch(
    /^Probably best: --workers 4, about [\d.]+ req\/s \([\d.]+ to [\d.]+\)\. This is a rough rate: /,
  );
  expect(headline).toMatch(/after 20 requests, it is not steady yet \(about \d+ requests would be enough\)\.$/);
  expect(bestSettings(analysis, onThisMachine)).toEqual([]);
});

test('where one rate alone is steady, it is said that the others are not', () => {
  const [first, second] = rates({ 1: 40, 2: 39 });
  // Stopped by the budget.
  const short = trialOf({ workers: 2, rate: 39, requests: 60, number: 2 }, { spec: { size: 1000 } });
  expect(headlines(analysed(first!, second!))[0]).toMatch(/^Use --workers 1: /);
  expect(headlines(analysed(first!, short))[0]).toMatch(
    /^Probably best: --workers 1, about .* The rates with other numbers of workers are not steady yet: longer trials would show more\.$/,
  );
});

test('what was tried several of is named with the number: a mode, and options that differ', () => {
  const options = [2048, 4096].flatMap((num_ctx, at) =>
    [1, 2].map((workers) =>
      trialOf(
        { workers, rate: 10 * workers * (at + 1), number: 10 * at + workers },
        { spec: { options: { num_ctx, seed: 1 }, strategy: 'conversation' } },
      ),
    ),
  );
  expect(headlines(analysed(...options))[0]).toMatch(/^Use --workers 2 --mode conversation --option num_ctx=4096: /);
});

test('a recommended setting that changes answers says so', () => {
  const trials = rates({ 1: 10, 2: 20, 4: 40 });
  const agreement = {
    ...{ type: 'agreement' as const, left: 1, right: 3, compared: 1000, sameText: 500, fields: 3000, sameFields: 2500 },
    ...{ meanDifference: null, changedVerdicts: 0, worst: [] },
  };
  expect(headlines(analyse([planRecord(trials), ...trials, agreement], backends))).toEqual([
    expect.stringMatching(
      /^Use --workers 4: .* 16\.7% of its answers differ from those of the setting that it is compared with: /,
    ),
  ]);
});

test('an engine that answered nothing is told with its error', () => {
  const failed = trialRecord({ state: 'failed', error: 'no such model', succeeded: 0, spec: { backend: 'ollama' } });
  const [first, second] = headlines(
    analysed(...rates({ 1: 10, 2: 20 }), { ...failed, spec: { ...failed.spec, number: 9 } }),
  );
  expect(first).toMatch(/^mock mock: Use --workers 2: /);
  expect(second).toBe('ollama mock: failed: no such model');
});
