import { expect, test } from 'vitest';
import type { ErrorKind } from '../../src/core/errors.ts';
import type { ResultDetails, ResultLine } from '../../src/core/result-line.ts';
import { sampleOf } from '../../src/core/result-counter.ts';

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

const failed = (code: ErrorKind, details: Partial<ResultDetails> = {}): ResultLine => ({
  ...success,
  response: null,
  error: { code, message: 'no' },
  llmbatch: { ...success.llmbatch, ...details },
});

test('a failure has its kind, and the tokens that it cost', () => {
  const usage = { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12 };
  expect(sampleOf(failed('truncated', { usage }))).toMatchObject({
    kind: 'truncated',
    promptTokens: 7,
    completionTokens: 5,
    cachedTokens: null,
  });
  const came = { prompt_tokens: null, completion_tokens: 5 };
  expect(sampleOf(failed('timeout', { usage: came }))).toMatchObject({ promptTokens: null, completionTokens: 5 });
});

test('a failure whose tokens nobody counted has none, but for one that the engine refused: it cost nothing', () => {
  expect(sampleOf(failed('timeout'))).toMatchObject({ promptTokens: null, completionTokens: null });
  expect(sampleOf(failed('rate-limited'))).toMatchObject({ promptTokens: 0, completionTokens: 0 });
  expect(sampleOf(failed('schema-invalid', { attempts: 0 }))).toMatchObject({ promptTokens: 0, completionTokens: 0 });
});

test('what the attempts before the last one cost stands beside it', () => {
  const retried = { prompt_tokens: 14, completion_tokens: 6, cached_tokens: 5, uncounted: 1, latency_ms: 60 };
  const line = { ...success, llmbatch: { ...success.llmbatch, retried } };
  expect(sampleOf(line)).toMatchObject({
    promptTokens: 7,
    retried: { promptTokens: 14, completionTokens: 6, cachedTokens: 5, uncounted: 1, latencyMs: 60 },
  });
});

test("a server's own status without a known error code counts as server-error", () => {
  const line = { ...success, response: { status_code: 418, request_id: 'a', body: 'teapot' } } as unknown as ResultLine;
  expect(sampleOf(line)).toMatchObject({ kind: 'server-error', promptTokens: null });
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

test('a failure tells who failed and why, in no more words than are shown', () => {
  const line = failed('input', { attempts: 0 });
  expect(sampleOf({ ...line, error: { code: 'input', message: 'line 7: not JSON' } }).failure).toEqual({
    id: 'a',
    message: 'not JSON',
  });
  const long = sampleOf({ ...line, custom_id: 'i'.repeat(9000), error: { code: 'input', message: 'm'.repeat(9000) } });
  expect(long.failure?.id).toHaveLength(300);
  expect(long.failure?.message).toHaveLength(300);
});
