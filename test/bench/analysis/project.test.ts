import { expect, test } from 'vitest';
import { project } from '../../../src/bench/analysis/project.ts';
import type { Snapshot } from '../../../src/core/snapshot.ts';
import { createMeter } from '../../../src/metrics/meter.ts';
import { createRandom } from '../random.ts';
import {
  type Simulated,
  analysed,
  simulateResults,
  simulateSpan,
  simulateTrial,
  trialRecord,
} from '../simulate-trial.ts';

const answered = { prompt: 100_000, completion: 20_000 };
const tokens = { ...answered, uncounted: 0, answered, cached: 60_000, cacheHitRate: 0.6 };
const summary = { ...createMeter().snapshot(), tokens };
const gpu = { usedBytes: null, totalBytes: null, utilisation: null, temperature: null };

function trialOf(latencyMs: number, powerWatts: number | null) {
  const random = createRandom(1);
  const machine = () => (powerWatts === null ? {} : { gpus: [{ ...gpu, powerWatts }] });
  const answer = (): number => latencyMs * (0.5 + random());
  return analysed(simulateTrial({ requests: 1000, workers: 4, answer, machine }, { summary }));
}

test('hours with a range, tokens, energy and money, beside the baseline and what is saved', () => {
  const [projected] = project({ trial: trialOf(100, 300), baseline: trialOf(400, 200) }, [180_000], { in: 1, out: 5 });
  const { estimate, baseline, saved } = projected!;
  expect(estimate.hours?.expected).toBeGreaterThan(1.2);
  expect(estimate.hours?.expected).toBeLessThan(1.3);
  expect(estimate.hours!.low).toBeLessThan(estimate.hours!.expected);
  expect(estimate.hours!.high).toBeGreaterThan(estimate.hours!.expected);
  expect(estimate).toMatchObject({ promptTokens: 18e6, computedTokens: 7.2e6, completionTokens: 3.6e6, money: 36 });
  expect(estimate.kilowattHours).toBeCloseTo(estimate.hours!.expected * 0.3, 6);
  expect(saved?.hours).toBeCloseTo(baseline!.hours!.expected - estimate.hours!.expected, 6);
  expect(saved?.hours).toBeGreaterThan(3.6);
  expect(saved).toMatchObject({ promptTokens: 0, computedTokens: 10.8e6, completionTokens: 0, money: 0 });
});

test('requests that are sent alone have the tokens that they have in a baseline; a conversation has more', () => {
  const few = trialOf(400, null);
  const longer = { ...few.record.summary, tokens: { ...tokens, prompt: 110_000 } };
  const baseline = { ...few, record: { ...few.record, summary: longer } };
  const alone = trialOf(100, null);
  const spec = { ...alone.record.spec, strategy: 'conversation' as const };
  const conversation = { ...alone, record: { ...alone.record, spec } };
  const promptTokens = [alone, conversation].map(
    (trial) => project({ trial, baseline }, [1000], { in: null, out: null })[0]?.baseline?.promptTokens,
  );
  expect(promptTokens).toEqual([100_000, 110_000]);
});

test('what is not measured or not asked for is null, and what is not steady is rough', () => {
  const short = analysed(simulateTrial({ requests: 20, workers: 4, answer: () => 100 }, { summary }));
  const [none] = project({ trial: short, baseline: null }, [1000], { in: null, out: null });
  expect(none).toMatchObject({
    estimate: { isSteady: false, kilowattHours: null, money: null },
    baseline: null,
    saved: null,
  });
  // 20 answers in half a second, give or take 44 %.
  expect(none?.estimate.hours?.expected).toBeCloseTo(1000 / 40 / 3600, 5);
  expect(none?.estimate.hours?.high).toBeCloseTo(1000 / (40 * (1 - 1.96 / Math.sqrt(20))) / 3600, 4);
  expect(none?.estimate.promptTokens).not.toBeNull();
  const [unpowered] = project({ trial: trialOf(100, null), baseline: short }, [1000], { in: 1, out: null });
  expect(unpowered?.estimate).toMatchObject({ kilowattHours: null, money: 0.1 });
  expect(unpowered?.saved).toMatchObject({ kilowattHours: null });
});

test('1,000 requests tell the time of 10,000 within 5 %, and the first 20 do not', () => {
  const errors = Array.from({ length: 30 }, (_, seed) => {
    const random = createRandom(seed);
    // Fast until its queue is full.
    const answer = (number: number): number => (number < 40 ? 30 : 100) * (0.5 + random());
    const simulated: Simulated = { requests: 1000, workers: 8, answer };
    const trial = analysed(simulateTrial(simulated, { summary }));
    const ends = simulateResults({ ...simulated, requests: 10_000 }).map(({ endedAt, latencyMs }) => [
      endedAt,
      latencyMs,
    ]);
    const first = Math.min(...ends.map(([endedAt = 0, latencyMs = 0]) => endedAt - latencyMs));
    const hours = ((ends.at(-1)?.[0] ?? 0) - first) / 3_600_000;
    const [projected] = project({ trial, baseline: null }, [10_000], { in: null, out: null });
    const quick = 10_000 / (simulateSpan(simulated).first20Rate ?? 0) / 3600;
    return { steady: Math.abs(projected!.estimate.hours!.expected / hours - 1), quick: Math.abs(quick / hours - 1) };
  });
  expect(Math.max(...errors.map(({ steady }) => steady))).toBeLessThan(0.05);
  expect(Math.min(...errors.map(({ quick }) => quick))).toBeGreaterThan(0.2);
});

test('a request costs its share of all attempts, where each was counted, and what an answer does where some were not', () => {
  const few = { prompt: 1000, completion: 90, uncounted: 0, answered: { prompt: 800, completion: 80 }, cached: 500 };
  const counts = { ...summary, tokens: { ...few, cacheHitRate: 0.5 } };
  const tokensOf = (changes: Partial<Snapshot['tokens']>, succeeded = 8, failed = 2) => {
    const record = trialRecord({ summary: { ...counts, tokens: { ...counts.tokens, ...changes } }, succeeded, failed });
    const [projected] = project({ trial: analysed(record), baseline: null }, [1], { in: null, out: null });
    const { promptTokens, computedTokens, completionTokens } = projected!.estimate;
    return [promptTokens, computedTokens, completionTokens];
  };
  expect(tokensOf({})).toEqual([100, 50, 9]);
  expect(tokensOf({ uncounted: 1 })).toEqual([100, 50, 10]);
  expect(tokensOf({ prompt: null, answered: { prompt: null, completion: 80 } })).toEqual([null, null, 9]);
  expect(tokensOf({}, 0, 10)).toEqual([null, null, null]);
});

test('a baseline of few requests, one after the other, is projected all the same', () => {
  const random = createRandom(2);
  const few = simulateTrial({ requests: 20, workers: 1, answer: () => 500 + 200 * random() }, { summary });
  const baseline = analysed({ ...few, spec: { ...few.spec, strategy: 'baseline' } });
  const [projected] = project({ trial: trialOf(100, null), baseline }, [6000], { in: null, out: null });
  expect(baseline.steady.rate).toBeNull();
  expect(projected!.baseline!.hours!.expected).toBeCloseTo(1, 0);
  expect(projected!.saved!.hours).toBeGreaterThan(0.8);
});
