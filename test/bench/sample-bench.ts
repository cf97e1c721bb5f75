import { backends } from '../../src/backends/index.ts';
import { analyse } from '../../src/bench/analysis/analyse.ts';
import { agreementPairs } from '../../src/bench/agreement/compare-trials.ts';
import { defaultWeights } from '../../src/bench/analysis/decision.ts';
import type { AgreementRecord, PlanRecord, TrialRecord, TrialSpec } from '../../src/bench/records/records.ts';
import type { BenchReport } from '../../src/bench/report/bench-report.ts';
import { defaultAnswerSettings, defaultRunnerSettings } from '../../src/core/settings.ts';
import { trialRecord, trialSpec } from './trial-records.ts';

const gibibyte = 1024 ** 3;

const hostileId = '<img src=x onerror=alert(1)>|"\u001B[31m';

/** Two engines, with 1 to 8 workers and a baseline; one setting of 8 workers changes answers. */
export function sampleBench(): BenchReport {
  const rates = [
    ['ollama', [6, 11, 18, 18.4]],
    ['vllm', [5, 10, 19, 36]],
  ] as const;
  const specs = rates.flatMap(([backend, ofWorkers]) => [
    { spec: { backend, strategy: 'baseline' as const, workers: 1, size: 500 }, rate: 1.3 },
    ...ofWorkers.map((rate, at) => ({ spec: { backend, workers: 2 ** at }, rate })),
  ]);
  const trials = specs.map(({ spec, rate }, at) => trialRecord(trialSpec({ ...spec, number: at + 1 }), { rate }));
  return reportOf(trials);
}

/** Three batches on one loaded model, of which each leaves 0.6 GiB behind. */
export function sampleBatches(): BenchReport {
  const trials = [1, 2, 3].map((batch) =>
    trialRecord(trialSpec({ number: batch, batch, workers: 4, size: 5000 }), {
      rate: 18 - batch * 0.2,
      vramBytes: { before: gibibyte, loaded: (5 + 0.6 * batch) * gibibyte, after: (5.6 + 0.6 * batch) * gibibyte },
    }),
  );
  return reportOf(trials);
}

/** Three engines, three sizes, three numbers of workers. */
export function sampleMatrix(): BenchReport {
  const points = ['ollama', 'vllm', 'llama-cpp'].flatMap((backend) =>
    [1000, 5000, 10_000].flatMap((size) => [1, 8, 64].map((workers) => ({ backend, size, workers }))),
  );
  const trials = points.map((point, at) =>
    trialRecord(trialSpec({ ...point, number: at + 1 }), { rate: 10 * Math.sqrt(point.workers) }),
  );
  return reportOf(trials);
}

function reportOf(trials: TrialRecord[]): BenchReport {
  const noTime = trialSpec({ number: 99, workers: 16, size: 10_000 });
  const plan = planOf([...trials.map(({ spec }) => spec), noTime]);
  const records = [plan, ...trials, { type: 'end' as const, leftOut: [99] }, ...agreementsOf(trials)];
  return {
    name: '2026-11-22-gemma',
    analysis: analyse(records, backends),
    environment: sampleEnvironment,
    projectTo: [50_000, 170_000],
    prices: { in: 0.1, out: 0.4 },
    weights: defaultWeights,
  };
}

const sampleEnvironment: BenchReport['environment'] = {
  schemaVersion: 2,
  llmbatch: '0.1.0',
  createdAt: '2026-11-22T06:00:00.000Z',
  command: ['llmbatch', 'bench', 'candidates.jsonl'],
  node: '20.20.2',
  platform: 'linux-x64 6.1.0',
  cpu: { model: 'a processor', threads: 16 },
  memoryBytes: 64 * gibibyte,
  gpus: [{ name: 'NVIDIA GeForce RTX 4080', driver: '560.35', memoryBytes: 16 * gibibyte }],
  settings: defaultAnswerSettings,
  runner: defaultRunnerSettings,
  report: {},
  installs: { ollama: { bytes: 1.9 * gibibyte }, vllm: { bytes: 9 * gibibyte } },
  seal: null,
};

const planOf = (trials: TrialSpec[]): PlanRecord => ({
  type: 'plan',
  createdAt: '2026-11-22T06:00:00.000Z',
  input: { path: 'candidates.jsonl', sha256: 'abcdef0123456789abcdef', requests: 170_000 },
  seed: 1,
  trials,
  budgetSeconds: 1800,
});

function agreementsOf(trials: TrialRecord[]): AgreementRecord[] {
  const workersOf = (number: number) => trials.find(({ spec }) => spec.number === number)?.workers;
  return agreementPairs(trials).map(({ left, right }) => {
    const changed = left !== 'reference' && workersOf(right) === 8 ? 31 : 0;
    return {
      type: 'agreement',
      left,
      right,
      compared: 1000,
      sameText: 1000 - 2 * changed,
      fields: 3000,
      sameFields: left === 'reference' ? 2890 : 3000 - 3 * changed,
      meanDifference: changed / 100,
      changedVerdicts: changed,
      worst: changed === 0 ? [] : [{ id: hostileId, left: worstAnswer(60), right: worstAnswer(48), difference: 12 }],
    };
  });
}

const worstAnswer = (score: number): string =>
  JSON.stringify({ matched: ['python', 'sql'], score, verdict: score > 50 ? 'maybe' : 'reject' });
