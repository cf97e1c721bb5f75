import { expect, test } from 'vitest';
import { findStability, defaultStabilityLimits } from '../../../src/bench/analysis/stability.ts';
import { type Changes, analysed, simulateTrial, trialRecord } from '../simulate-trial.ts';

const batch = (number: number, vram: [loaded: number | null, after: number | null], changes: Changes = {}) => {
  const vramBytes = { before: number === 1 ? 1e9 : null, loaded: vram[0], after: vram[1] };
  return analysed(trialRecord({ vramBytes, ...changes, spec: { number, batch: number, ...changes.spec } }));
};

const checksOf = (trials: ReturnType<typeof batch>[], limits = defaultStabilityLimits) =>
  Object.fromEntries(findStability(trials, limits)[0]!.checks.map((check) => [check.name, check]));

const passed = (trials: ReturnType<typeof batch>[]) =>
  Object.fromEntries(Object.entries(checksOf(trials)).map(([name, check]) => [name, check.passed]));

test('batches that are alike pass, and loading the model is no growth', () => {
  const trials = [batch(1, [8e9, 8.1e9]), batch(2, [8.1e9, 8.12e9]), batch(3, [8.12e9, 8.1e9])];
  const all = { 'VRAM delta': true, 'VRAM leak': true, 'rate variance': true, 'model reloads': true, success: true };
  expect(passed(trials)).toEqual(all);
});

test('a leak of 0.2 GB a batch is found though each batch is within its limit', () => {
  const leaking = [1, 2, 3].map((number) => batch(number, [8e9 + 0.2e9 * (number - 1), 8e9 + 0.2e9 * number]));
  const { 'VRAM delta': delta, 'VRAM leak': leak } = checksOf(leaking);
  expect(delta).toMatchObject({ passed: true, measured: 'at most +190.7 MiB' });
  expect(leak).toMatchObject({ passed: false, measured: '+190.7 MiB from batch to batch' });
});

test.each([
  ['one large step', [8, 8.4, 8.4, 8.4]],
  ['a neighbour that comes and goes', [8, 8.3, 8.1, 8.4]],
  ['noise', [8, 8.05, 8.1, 8.13]],
])('%s is no leak', (_, after) => {
  const trials = after.map((gigabytes, at) => batch(at + 1, [gigabytes * 1e9, gigabytes * 1e9]));
  expect(passed(trials)['VRAM leak']).toBe(true);
});

test('what was not measured is neither passed nor failed', () => {
  const trials = [batch(1, [null, null]), batch(2, [null, null])];
  expect(passed(trials)).toMatchObject({ 'VRAM delta': null, 'VRAM leak': null });
  expect(checksOf(trials)['VRAM delta']?.measured).toBe('n/a');
  expect(passed([batch(1, [8e9, 8e9])])).toMatchObject({ 'VRAM leak': null, 'rate variance': null, success: true });
});

test('slower batches, reloads, failures and a large delta are found, by limits that can be moved', () => {
  const trials = [
    batch(1, [8e9, 8.6e9]),
    batch(2, [8.6e9, 8.6e9], { seconds: 120, reloads: 1 }),
    batch(3, [8.6e9, 8.6e9], { succeeded: 999, failed: 1 }),
  ];
  expect(passed(trials)).toEqual({
    'VRAM delta': false,
    'VRAM leak': true,
    'rate variance': false,
    'model reloads': false,
    success: false,
  });
  expect(checksOf(trials).success?.measured).toBe('2,999 of 3,000');
  const loose = { vramDeltaBytes: 1e9, vramLeakBytes: 1e9, rateVariance: 0.3, reloads: 1, success: 0.99 };
  expect(Object.values(checksOf(trials, loose)).map((check) => check.passed)).toEqual([true, true, true, true, true]);
});

test('the memory of the processes is that at the end of each batch', () => {
  const machine = (share: number) => ({
    client: { cpuPercent: 5, loopBusy: 0.1, memoryBytes: 1e8 * (1 + share) },
    engine: { cpuPercent: 90, memoryBytes: 2e9 },
  });
  const record = simulateTrial({ requests: 1000, workers: 1, answer: () => 100, machine }, { spec: { batch: 1 } });
  const [stability] = findStability([analysed(record)]);
  expect(stability?.batches[0]?.engineBytes).toBe(2e9);
  expect(stability?.batches[0]?.runnerBytes).toBeGreaterThan(1.9e8);
});

test('each engine has batches of its own, in their order', () => {
  const other = { spec: { backend: 'ollama', batch: 1 } };
  const found = findStability([batch(2, [8e9, 8e9]), batch(1, [8e9, 8e9]), batch(3, [1e9, 1e9], other)]);
  expect(found.map(({ batches }) => batches.map(({ trial }) => trial))).toEqual([[1, 2], [3]]);
  expect(findStability([analysed(trialRecord())])).toEqual([]);
});
