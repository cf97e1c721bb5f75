import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { BenchRecord } from '../../../src/bench/records/records.ts';
import { leftOutOf, planOf, trialsOf } from '../../../src/bench/records/trials-file.ts';
import { fromWire, toWire } from '../../../src/bench/records/trials-wire.ts';
import { UsageError } from '../../../src/core/errors.ts';
import { planRecord } from '../plan-record.ts';
import { simulateTrial, trialRecord } from '../simulate-trial.ts';

const written = (record: BenchRecord): Parameters<typeof fromWire>[0] =>
  JSON.parse(JSON.stringify(toWire(record))) as Parameters<typeof fromWire>[0];

const trial = simulateTrial(
  {
    requests: 30,
    workers: 2,
    answer: (number) => ({ latencyMs: 100, queueMs: number, kind: number === 3 ? 'timeout' : null }),
    machine: () => ({ client: { cpuPercent: 5, loopBusy: 0.1, memoryBytes: 1e8 }, swapBytes: 0 }),
  },
  { spec: { options: { num_ctx: 4096 } } },
);

/** Names of keys at any depth, but for what belongs to an engine. */
const keysOf = (value: unknown): string[] =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([key, inner]) => [...(Array.isArray(value) ? [] : [key]), ...keysOf(inner)])
    : [];

describe('the lines of trials.jsonl', () => {
  test.each<[string, BenchRecord]>([
    ['plan', planRecord([trial])],
    ['trial', trial],
    ['trial that failed', trialRecord({ state: 'failed', error: 'no model' })],
    ['end', { type: 'end', leftOut: [3, 4] }],
  ])('a %s is read as it was written', (_, record) => {
    expect(fromWire(written(record))).toMatchObject([record]);
  });

  test('have one casing, and a version each', () => {
    const line = written(trial);
    expect(line).toMatchObject({ type: 'trial', schema_version: 2, first_20_rate: trial.first20Rate });
    expect(keysOf(line).filter((key) => /[A-Z]/.test(key))).toEqual([]);
    expect(line).toMatchObject({ spec: { options: { num_ctx: 4096 } } });
  });

  test('with keys that nobody knows are read, and those of a newer version are refused', () => {
    const line = { ...written(planRecord([trial])), later: { some_thing: 1 } };
    expect(fromWire(line)).toMatchObject([planRecord([trial])]);
    expect(() => fromWire({ ...line, schema_version: 3 })).toThrow(UsageError);
  });
});

test('a bench of version 1 has its windows, and what its budget left out', async () => {
  const path = new URL('../../../fixtures/version-1/bench/work/bench/trials.jsonl', import.meta.url);
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  const parsed = lines.map((line) => JSON.parse(line) as Parameters<typeof fromWire>[0]);
  const records = parsed.flatMap(fromWire);
  expect(trialsOf(records)).toHaveLength(4);
  expect(trialsOf(records)[0]).toMatchObject({ backendVersion: 'mock 1', succeeded: 12, results: [], machine: [] });
  expect(trialsOf(records)[0]?.windows?.[0]).toMatchObject({ atSeconds: 0.026, latencyMs: 20.8, promptTokens: 12 });
  const [first] = parsed;
  const [one, ...others] = planOf(records)?.trials ?? [];
  const shortened = fromWire({ ...first!, trials: others, left_out: [one] });
  expect([planOf(shortened)?.trials.length, leftOutOf(shortened)]).toEqual([4, [one]]);
});
