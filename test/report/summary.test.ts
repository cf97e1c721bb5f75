import { expect, test } from 'vitest';
import { createMeter } from '../../src/metrics/meter.ts';
import { renderSummary } from '../../src/report/summary.ts';
import { changeSnapshot } from '../helpers/change-snapshot.ts';
import { sampleSnapshot } from './sample-run.ts';

const outputPath = 'candidates.results.jsonl';

test('a stopped run says how far it came and how to go on', () => {
  const resumeCommand = `llmbatch resume ${outputPath}`;
  expect(renderSummary(sampleSnapshot(), { outputPath, resumeCommand })).toMatchInlineSnapshot(`
    "Stopped: 60 of 100 requests done (58 succeeded, 2 failed)
      rate        2.00 req/s, 20.0 tok/s, 80.0 prompt tok/s computed, in 30.0 s
      left        40
      tokens      6,000 prompt (cached 60.0%), 600 completion
      latency     p50 500 ms, p95 500 ms (of successes)
                  first token p50 50 ms, p95 50 ms
      sent again  1
      GPU memory  peak 14.0 GiB of 16.0 GiB
      engine      memory peak 1.5 GiB
      model       loaded in 3.2 s
      errors      timeout 2
      output      candidates.results.jsonl
      resume      llmbatch resume candidates.results.jsonl
    "
  `);
});

test('a run in progress has its recent rate and its ETA', () => {
  const eta = { seconds: 20, low: 18, high: 23 };
  const snapshot = changeSnapshot(sampleSnapshot(), { times: { eta } });
  expect(renderSummary(snapshot, { outputPath, isRunning: true })).toMatchInlineSnapshot(`
    "Running: 60 of 100 requests done (58 succeeded, 2 failed)
      rate         2.00 req/s, 20.0 tok/s, 80.0 prompt tok/s computed, in 30.0 s
      last minute  2.00 req/s, 20.0 tok/s, 80.0 prompt tok/s computed
      left         40, ETA 20 s (18 s to 23 s)
      tokens       6,000 prompt (cached 60.0%), 600 completion
      latency      p50 500 ms, p95 500 ms (of successes)
                   first token p50 50 ms, p95 50 ms
      sent again   1
      GPU memory   peak 14.0 GiB of 16.0 GiB
      engine       memory peak 1.5 GiB
      model        loaded in 3.2 s
      errors       timeout 2
      output       candidates.results.jsonl
    "
  `);
});

test('a run in progress says how far its oldest request is, and a stopped one has none', () => {
  const flight = { inFlight: 3, oldestInFlight: { ageSeconds: 80.4, tokens: 812 } };
  const snapshot = changeSnapshot(sampleSnapshot(), { progress: flight });
  const row = '  in flight    3, the oldest for 1m 20s, 812 tokens\n';
  expect(renderSummary(snapshot, { outputPath, isRunning: true })).toContain(row);
  expect(renderSummary(snapshot, { outputPath })).not.toContain('in flight');
});

test('embeddings have no rate of generation, and what the cache gave is said where it is not known', () => {
  const rates = {
    generation: { recent: 0, overall: 0, basis: null },
    prompt: { recent: 80, overall: 80, basis: 'ended', includesCached: true },
  } as const;
  expect(renderSummary(changeSnapshot(sampleSnapshot(), { rates }), { outputPath })).toContain(
    '2.00 req/s, 80.0 prompt tok/s with cached ones, in 30.0 s\n',
  );
});

test('why a run stopped, and the time of its numbers, are rows like all others', () => {
  const options = {
    outputPath,
    resumeCommand: 'llmbatch resume x',
    because: 'the disk is full',
    asOf: '2026-11-30 08:05:09',
  };
  expect(renderSummary(sampleSnapshot(), options).split('\n').slice(-4)).toEqual([
    '  resume      llmbatch resume x',
    '  because     the disk is full',
    '  as of       2026-11-30 08:05:09',
    '',
  ]);
});

test('a finished run without tokens, GPU or errors is short', () => {
  let nowMs = 0;
  const meter = createMeter({ now: () => nowMs });
  meter.add({ type: 'model-start', total: 1, workers: 1, maxWorkers: 1, contextTokens: null, loadMs: null });
  nowMs = 500;
  const sample = { kind: null, promptTokens: 0, completionTokens: 0, cachedTokens: null, latencyMs: 400, ttftMs: null };
  meter.add({ type: 'result-end', sample: { ...sample, queueMs: null, attempts: 1, endedAt: 1 } });
  expect(renderSummary(meter.snapshot(), { outputPath })).toMatchInlineSnapshot(`
    "Finished: 1 request done
      rate     2.00 req/s, n/a tok/s, in 500 ms
      latency  p50 400 ms, p95 400 ms
      output   candidates.results.jsonl
    "
  `);
});
