import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../../src/core/events.ts';
import type { FlightSample } from '../../../src/core/measurements.ts';
import { createServerMetrics } from '../../../src/serve/metrics/server-metrics.ts';
import { prometheusText } from '../../../src/serve/metrics/text-format.ts';
import { createRunFolder, mockSettings } from '../../helpers/start-run.ts';
import { batchRecord } from '../batch-record.ts';
import { readMetrics, valuesOf } from './read-metrics.ts';

const idle = {
  running: null,
  waiting: [],
  loadedModel: null,
  modelLoads: 0,
  paused: null,
  problem: null,
};
const nothing = { queue: { state: () => idle, snapshotOf: () => null }, batches: { list: () => [] } };
const succeeded = (latencyMs: number, ttftMs: number | null): RunEvent => ({
  type: 'result-end',
  sample: {
    kind: null,
    latencyMs,
    ttftMs,
    queueMs: 0,
    attempts: 1,
    endedAt: 0,
    promptTokens: null,
    completionTokens: null,
    cachedTokens: null,
  },
});

const lines = (count: number): string =>
  Array.from({ length: count }, (_, at) => `${JSON.stringify({ id: `r${at}`, prompt: `Say ${at}.` })}\n`).join('');

test('what runs did is counted over all of them, and nothing falls', async () => {
  const metrics = createServerMetrics();
  const settings = { ...mockSettings, options: { fault_rate: 0.5, fault_kinds: 'bad-request' } };
  const outcomes = { succeeded: 0, failed: 0 };
  const before: Record<string, number> = {};
  for (const count of [20, 10]) {
    const folder = await createRunFolder(lines(count));
    const { snapshot } = await folder.run({ settings }, { onEvent: metrics.onEvent });
    outcomes.succeeded += snapshot.progress.succeeded;
    outcomes.failed += snapshot.progress.failed;
    const text = metrics.text(nothing);
    expect(valuesOf(text, 'llmbatch_requests_total')).toEqual(outcomes);
    expect(valuesOf(text, 'llmbatch_request_duration_seconds_count')).toEqual({ '': outcomes.succeeded });
    for (const { name, type, samples } of readMetrics(text)) {
      if (type === 'gauge') continue;
      for (const sample of samples) {
        const key = `${sample.name} ${JSON.stringify(sample.labels)}`;
        expect(sample.value, `${type} ${name}`).toBeGreaterThanOrEqual(before[key] ?? 0);
        before[key] = sample.value;
      }
    }
  }
  expect(outcomes.failed).toBeGreaterThan(0);
  expect(valuesOf(metrics.text(nothing), 'llmbatch_tokens_total')['generated']).toBeGreaterThan(0);
});

test('every metric has its name, type and labels', () => {
  const metrics = createServerMetrics();
  metrics.onEvent({
    type: 'gpu-sample',
    gpus: [
      { usedBytes: 5, totalBytes: 16, utilisation: null, temperature: null, powerWatts: null },
      { usedBytes: null, totalBytes: 8, utilisation: null, temperature: null, powerWatts: null },
    ],
  });
  const families = readMetrics(metrics.text(nothing)).map(({ name, type, samples }) => [
    name,
    type,
    samples.map(({ labels }) => Object.values(labels).join(' ')).join(','),
  ]);
  const buckets = '0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5,10,30,60,120,300,600,+Inf,,';
  expect(families).toEqual([
    ['llmbatch_requests_total', 'counter', 'succeeded,failed'],
    ['llmbatch_request_duration_seconds', 'histogram', buckets],
    ['llmbatch_time_to_first_token_seconds', 'histogram', buckets],
    ['llmbatch_tokens_total', 'counter', 'generated,prompt_computed,prompt_cached'],
    ['llmbatch_gpu_memory_bytes', 'gauge', '0 used,0 total,1 total'],
    ['llmbatch_engine_restarts_total', 'counter', ''],
    ['llmbatch_requests', 'gauge', 'in_flight,waiting'],
    ['llmbatch_batches', 'gauge', 'validating,failed,in_progress,finalizing,completed,expired,cancelling,cancelled'],
    ['llmbatch_model_loads_total', 'counter', ''],
    ['llmbatch_paused', 'gauge', ''],
    ['llmbatch_build_info', 'gauge', expect.stringMatching(/^\d+\.\d+\.\d+/)],
    ['process_resident_memory_bytes', 'gauge', ''],
    ['process_cpu_seconds_total', 'counter', ''],
    ['process_start_time_seconds', 'gauge', ''],
  ]);
});

test('a time is counted in each bucket that it fits into, and the first token only where it was measured', () => {
  const metrics = createServerMetrics();
  for (const event of [succeeded(10, 5), succeeded(11, null), succeeded(700_000, 600_000)]) metrics.onEvent(event);
  const text = metrics.text(nothing);
  const durations = valuesOf(text, 'llmbatch_request_duration_seconds_bucket');
  expect(durations).toMatchObject({ '0.01': 1, '0.025': 2, '600': 2, '+Inf': 3 });
  expect(valuesOf(text, 'llmbatch_request_duration_seconds_sum')['']).toBeCloseTo(700.021);
  expect(valuesOf(text, 'llmbatch_time_to_first_token_seconds_bucket')).toMatchObject({
    '0.01': 1,
    '600': 2,
    '+Inf': 2,
  });
});

describe('tokens', () => {
  const flight = (generated: number): RunEvent => {
    const counts: FlightSample = {
      generated,
      promptComputed: 7,
      promptCached: 3,
      writing: 1,
      tokens: generated,
      oldest: null,
      each: { agesMs: [], tokens: [], limits: [], bytes: [] },
    };
    return { type: 'flight', flight: counts };
  };
  const end = (completionTokens: number): RunEvent => ({
    type: 'request-end',
    tokens: { promptTokens: 10, completionTokens: 100, cachedTokens: 3 },
    rest: { promptTokens: 0, completionTokens, cachedTokens: 0, overMs: 10 },
    isAnswered: true,
    latencyMs: 10,
  });

  test('are counted as they are made, and no token twice', () => {
    const metrics = createServerMetrics();
    for (const event of [flight(40), end(60)]) metrics.onEvent(event);
    const counts = valuesOf(metrics.text(nothing), 'llmbatch_tokens_total');
    expect(counts).toEqual({ generated: 100, prompt_computed: 7, prompt_cached: 3 });
  });

  test('that were told but are not in the count at the end do not make the counter fall', () => {
    const metrics = createServerMetrics();
    const generated = (event: RunEvent): number | undefined => {
      metrics.onEvent(event);
      return valuesOf(metrics.text(nothing), 'llmbatch_tokens_total')['generated'];
    };
    expect([flight(40), end(-2), flight(1), flight(9)].map(generated)).toEqual([40, 40, 40, 48]);
  });
});

test('GPU memory that nobody has measured for a minute is not told', () => {
  let nowMs = 0;
  const metrics = createServerMetrics({ now: () => nowMs });
  const gpus = [{ usedBytes: 5, totalBytes: 16, utilisation: null, temperature: null, powerWatts: null }];
  metrics.onEvent({ type: 'gpu-sample', gpus });
  nowMs = 60_001;
  expect(metrics.text(nothing)).not.toContain('gpu_memory');
});

test('requests wait where their batch goes on, and are over where it was cancelled', () => {
  const list = [
    batchRecord({ status: 'in_progress', counts: { total: 10, completed: 3, failed: 1 } }),
    batchRecord({ status: 'cancelling', counts: { total: 10, completed: 0, failed: 0 } }),
    batchRecord({ status: 'completed', counts: { total: 5, completed: 5, failed: 0 } }),
  ];
  const paused = { by: 'me', since: '2026-01-01T00:00:00Z' };
  const state = { ...idle, modelLoads: 2, paused };
  const text = createServerMetrics().text({
    queue: { ...nothing.queue, state: () => state },
    batches: { list: () => list },
  });
  expect(valuesOf(text, 'llmbatch_requests')).toEqual({ in_flight: 0, waiting: 6 });
  expect(valuesOf(text, 'llmbatch_batches')).toMatchObject({ in_progress: 1, cancelling: 1, completed: 1, failed: 0 });
  expect(valuesOf(text, 'llmbatch_paused')).toEqual({ '': 1 });
  expect(valuesOf(text, 'llmbatch_model_loads_total')).toEqual({ '': 2 });
});

test('a label can hold any text', () => {
  const hostile = 'a"b\\c\nd} 1\n# TYPE x counter';
  const text = prometheusText([
    { name: 'x', help: 'Two\nlines \\.', type: 'gauge', samples: [{ labels: { y: hostile }, value: -1.5e-7 }] },
  ]);
  expect(readMetrics(text)).toEqual([
    {
      name: 'x',
      help: String.raw`Two\nlines \\.`,
      type: 'gauge',
      samples: [{ name: 'x', labels: { y: hostile }, value: -1.5e-7 }],
    },
  ]);
});
