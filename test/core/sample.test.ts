import { expect, test } from 'vitest';
import type { ResultLine } from '../../src/core/result-line.ts';
import { sampleOf } from '../../src/core/sample.ts';

const success = {
  id: 'result-1',
  custom_id: 'a',
  response: {
    status_code: 200,
    request_id: 'a',
    body: {
      usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10, prompt_tokens_details: { cached_tokens: 5 } },
    },
  },
  error: null,
  llmbatch: { attempts: 2, started_at: '2026-11-22T06:00:00.000Z', queue_ms: 1, ttft_ms: 20, latency_ms: 80 },
} as unknown as ResultLine;

test('a success is its tokens, its times and its end', () => {
  expect(sampleOf(success)).toEqual({
    kind: null,
    promptTokens: 7,
    completionTokens: 3,
    cachedTokens: 5,
    latencyMs: 80,
    ttftMs: 20,
    queueMs: 1,
    attempts: 2,
    endedAt: Date.parse('2026-11-22T06:00:00.080Z'),
  });
});

test('a failure has its kind and no tokens', () => {
  const line = { ...success, response: null, error: { code: 'timeout' as const, message: 'late' } };
  expect(sampleOf(line)).toMatchObject({ kind: 'timeout', promptTokens: 0, cachedTokens: null });
});

test("a server's own status without a known error code counts as server-error", () => {
  const line = { ...success, response: { status_code: 418, request_id: 'a', body: 'teapot' } } as unknown as ResultLine;
  expect(sampleOf(line)).toMatchObject({ kind: 'server-error', promptTokens: 0 });
});

test("another tool's line without our details is counted with what it has", () => {
  const { llmbatch: _, ...line } = success;
  expect(sampleOf(line as ResultLine)).toMatchObject({
    kind: null,
    promptTokens: 7,
    latencyMs: 0,
    endedAt: 0,
    attempts: 1,
  });
});
