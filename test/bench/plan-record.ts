import type { PlanRecord, TrialRecord } from '../../src/bench/records/records.ts';

export const planRecord = (trials: readonly TrialRecord[]): PlanRecord => ({
  type: 'plan',
  createdAt: '2026-01-01T00:00:00.000Z',
  input: { path: null, sha256: '', requests: 1000 },
  seed: 1,
  trials: trials.map(({ spec }) => spec),
  budgetSeconds: null,
});
