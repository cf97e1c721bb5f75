import { expect, test } from 'vitest';
import { snakeKeys } from '../../src/text/snake-keys.ts';

test('keys become snake_case at every depth, values stay', () => {
  const value = { gpuPeakBytes: null, latencyMs: { p95: 1 }, gpus: [{ powerWatts: 2 }], text: 'aB' };
  expect(snakeKeys(value)).toEqual({
    gpu_peak_bytes: null,
    latency_ms: { p95: 1 },
    gpus: [{ power_watts: 2 }],
    text: 'aB',
  });
});

test('names of errors and groups stay as they are', () => {
  expect(snakeKeys({ 'rate-limited': 1, OOM: 2 })).toEqual({ 'rate-limited': 1, OOM: 2 });
});
