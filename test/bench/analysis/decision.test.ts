import { expect, test } from 'vitest';
import { completeWeights, decide, defaultWeights } from '../../../src/bench/analysis/decision.ts';
import { compareEngines } from '../../../src/bench/analysis/engine-numbers.ts';
import { sampleBench } from '../sample-bench.ts';

const engines = () => compareEngines(sampleBench().analysis);

test('each engine is compared at its recommended setting', () => {
  expect(engines().map(({ backend, trial }) => [backend, trial.record.spec.workers])).toEqual([
    ['ollama', 4],
    ['vllm', 8],
  ]);
});

test('the engine that is fastest, and lightest, has the full scores', () => {
  const [slow, quick] = engines();
  const decision = decide(
    [
      {
        ...slow!,
        rate: 10,
        success: 0.9,
        asExpected: 1,
        spread: 0.1,
        gpuBytes: 4e9,
        memoryBytes: null,
        cpuPercent: null,
      },
      { ...quick!, rate: 40, success: 1, asExpected: 1, spread: 0, gpuBytes: 8e9, memoryBytes: 1e9, cpuPercent: null },
    ].map((engine) => ({ ...engine, joules: null })),
    { performance: 1, reliability: 1, resources: 1, simplicity: 1 },
    { ollama: { bytes: 1e9 }, vllm: { bytes: 4e9 } },
  );
  const scores = decision.rows.map(({ engine, scores: of, total }) => ({
    backend: engine.backend,
    performance: of.performance.score,
    reliability: of.reliability.score,
    resources: of.resources.score,
    simplicity: of.simplicity.score,
    total,
  }));
  // Size 1 and 1/4, options 1 and 1.
  expect(scores).toEqual([
    {
      backend: 'ollama',
      performance: 25,
      reliability: expect.closeTo(93.333, 3) as number,
      resources: 100,
      simplicity: 100,
      total: expect.closeTo(79.583, 3) as number,
    },
    { backend: 'vllm', performance: 100, reliability: 100, resources: 50, simplicity: 62.5, total: 78.125 },
  ]);
  expect(decision.leftOut).toEqual([]);
});

test('a criterion that an engine has no number for is left out of the total', () => {
  const unmeasured = engines().map((engine) => ({
    ...engine,
    gpuBytes: null,
    memoryBytes: null,
    cpuPercent: null,
    joules: null,
  }));
  const { leftOut, rows } = decide(unmeasured, defaultWeights, {});
  expect(leftOut).toEqual(['resources']);
  expect(rows[0]?.scores.resources.score).toBeNull();
  expect(rows[0]?.total).toBeGreaterThan(90);
});

test('weights that are not named keep theirs, and unknown or senseless ones are refused', () => {
  expect(completeWeights({ performance: 90 })).toEqual({ ...defaultWeights, performance: 90 });
  expect(() => completeWeights({ speed: 1 })).toThrow('--weights has no "speed"');
  expect(() => completeWeights({ performance: -1 })).toThrow('0 or more');
});

test('the luckiest repeat is not an engine, and a rate that is not steady wins nothing', () => {
  const { analysis } = sampleBench();
  const [first] = analysis.trials.filter(({ record }) => record.spec.backend === 'ollama' && record.spec.workers === 4);
  const lucky = {
    ...first!,
    record: { ...first!.record, spec: { ...first!.record.spec, number: 50, repeat: 2 } },
    steady: { ...first!.steady, rate: 22, low: 21, high: 23 },
  };
  const [ollama] = compareEngines({ ...analysis, trials: [...analysis.trials, lucky] });
  expect(ollama?.rate).toBeCloseTo((22 + (first?.steady.rate ?? 0)) / 2, 6);
  const [slow, quick] = engines();
  const unsteady = { ...quick!, trial: { ...quick!.trial, steady: { ...quick!.trial.steady, isSteady: false } } };
  const { leftOut, rows } = decide([slow!, unsteady], defaultWeights, {});
  const unsteadyRow = rows.find(({ engine }) => engine === unsteady);
  expect([leftOut, unsteadyRow?.scores.performance.score]).toEqual([[], 0]);
});

test('of its settings that are steady and keep the answers, an engine is quoted at the longest', () => {
  const { analysis } = sampleBench();
  const [short] = analysis.trials.filter(({ record }) => record.spec.backend === 'ollama' && record.spec.workers === 4);
  const { record, steady } = short!;
  const long = {
    ...short!,
    record: { ...record, spec: { ...record.spec, number: 50, size: 10_000 } },
    steady: { ...steady, rate: 15, low: 14, high: 16 },
  };
  const [ollama] = compareEngines({ ...analysis, trials: [...analysis.trials, long] });
  expect([ollama?.trial.record.spec.size, ollama?.rate]).toEqual([10_000, 15]);
});
