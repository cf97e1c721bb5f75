import { expect, test } from 'vitest';
import { camelKeys, snakeKeys } from '../../src/text/snake-keys.ts';

const inCode = {
  gpuPeakBytes: null,
  latencyMs: { p95: 1 },
  gpus: [{ powerWatts: 2 }],
  text: 'aB',
  options: { num_ctx: 1, flashAttention: true },
};

const onDisk = {
  gpu_peak_bytes: null,
  latency_ms: { p95: 1 },
  gpus: [{ power_watts: 2 }],
  text: 'aB',
  options: { num_ctx: 1, flashAttention: true },
};

const opaque = new Set(['options']);

test('keys become snake_case at every depth and camelCase again; values stay, and so does what is opaque', () => {
  expect(snakeKeys(inCode, opaque)).toEqual(onDisk);
  expect(camelKeys(onDisk, opaque)).toEqual(inCode);
});

test('names of errors and groups stay as they are', () => {
  const errors = { 'rate-limited': 1, OOM: 2 };
  expect([snakeKeys(errors), camelKeys(errors)]).toEqual([errors, errors]);
});
