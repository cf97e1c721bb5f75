import { expect, test } from 'vitest';
import { nameTrials } from '../../../src/bench/report/trial-names.ts';
import { trialRecord, trialSpec } from '../trial-records.ts';

const names = (...changes: Parameters<typeof trialSpec>[0][]): string[] => [
  ...nameTrials(changes.map((change, at) => trialRecord(trialSpec({ ...change, number: at + 1 })))).values(),
];

test('trials are named by what they differ in', () => {
  expect(names({ workers: 1 }, { workers: 4 })).toEqual(['#1 1 worker', '#2 4 workers']);
  expect(names({ options: { num_ctx: 4096 } }, { options: { num_ctx: 8192 } })).toEqual([
    '#1 1 worker, num_ctx=4096',
    '#2 1 worker, num_ctx=8192',
  ]);
  expect(names({ workers: null }, { workers: 4 })).toEqual(['#1 auto workers', '#2 4 workers']);
});

test('a field that says nothing new is left out', () => {
  expect(
    names({ strategy: 'baseline', size: 500 }, { workers: 4 }, { backend: 'vllm', model: 'g', workers: 4 }),
  ).toEqual(['#1 ollama, baseline, 1 worker', '#2 ollama, 4 workers', '#3 vllm, 4 workers']);
});

test('repeats have one name, and sizes tell trials apart where nothing else does', () => {
  expect(names({ size: 1000 }, { size: 1000, repeat: 2 }, { size: 5000 })).toEqual([
    '#1 1 worker, 1,000 requests',
    '#2 1 worker, 1,000 requests',
    '#3 1 worker, 5,000 requests',
  ]);
});
