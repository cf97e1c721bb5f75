import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { snapshotFromWire, snapshotToWire } from '../../src/core/snapshot.ts';
import { changeSnapshot } from '../helpers/change-snapshot.ts';
import { midway, onServers } from '../progress/capture.ts';
import { sampleSnapshot } from '../report/sample-run.ts';

const [gpu] = midway.machine.gpus!;
const withClocks = changeSnapshot(midway, {
  machine: { gpus: [{ ...gpu!, clockMhz: 2310, maxClockMhz: 3105, isThrottled: false }] },
});

const throughJson = (value: object): object => JSON.parse(JSON.stringify(value)) as object;

test('what is written is flat, in snake_case, and reads back as it was', () => {
  for (const snapshot of [sampleSnapshot(), midway, withClocks, onServers]) {
    const wire = throughJson(snapshotToWire(snapshot));
    expect(snapshotFromWire(wire)).toEqual(snapshot);
    expect(JSON.stringify(wire)).not.toMatch(/"[a-z_]*[A-Z][A-Za-z]*":/);
  }
  expect(snapshotToWire(sampleSnapshot())).toMatchObject({
    done: 60,
    errors: { timeout: 2 },
    error_groups: { timeout: 2 },
    recent_rate: 2,
    overall_generation_rate: 20,
    generation_basis: 'live',
    overall_prompt_rate: 80,
    prompt_includes_cached: false,
    workers: 8,
    workers_at_start: 8,
    most_workers: 8,
    latency_ms: { p95: 500 },
    engine: { peak_memory_bytes: 1.5 * 1024 ** 3 },
    gpus: [{ power_watts: null }],
  });
  expect(snapshotToWire(onServers)).toMatchObject({
    servers: [{ name: 'desktop:8000', in_flight: 8, recent_rate: 36.9, idle_seconds: 0.4 }, { state: 'away' }, {}],
  });
  expect(snapshotToWire(withClocks)).toMatchObject({ gpus: [{ clock_mhz: 2310, most_clock_mhz: 3105 }] });
});

const snakeCase = (key: string): string => key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

test('one of version 1, in camelCase, loses nothing', async () => {
  const path = new URL('../../fixtures/version-1/finished/work/in.results.jsonl.run.json', import.meta.url);
  const { summary } = JSON.parse(await readFile(path, 'utf8')) as { summary: Record<string, unknown> };
  const wire = throughJson(snapshotToWire(snapshotFromWire(summary))) as Record<string, unknown>;
  // It had one rate of all tokens, and did not tell of each failure or of what was in flight.
  const known = Object.keys(summary).filter((key) => !key.endsWith('TokenRate'));
  expect(Object.keys(wire)).toEqual(expect.arrayContaining(known.map((key) => snakeCase(key))));
  expect(wire).toMatchObject({
    failures: [],
    recent_generation_rate: null,
    overall_generation_rate: null,
    generation_basis: null,
    oldest_in_flight: null,
    latency_ms: summary['latencyMs'],
    context: summary['context'],
  });
});

test('what an early release did not know is taken from what it knew', () => {
  const kept = { done: 5, failed: 2, retries: 1, workers: 8, tokens: { prompt: 30, completion: 9 } };
  expect(snapshotFromWire(kept)).toMatchObject({
    progress: { workers: { current: 8, atStart: 8, max: 8 } },
    tokens: { prompt: 30, completion: 9, uncounted: 3, answered: { prompt: 30, completion: 9 }, cached: null },
    machine: { modelMemory: null, vramGuard: null },
    servers: null,
  });
  expect(snapshotFromWire({ servers: [{ name: 'a' }] }).servers).toMatchObject([{ name: 'a', latencyMs: null }]);
});
