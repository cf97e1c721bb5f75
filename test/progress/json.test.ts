import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startProgress } from '../../src/progress/index.ts';
import { captureStream, midway } from './capture.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('every line is a JSON object: one a second, the notes, and one at the end', () => {
  const { stream, text } = captureStream();
  const progress = startProgress({ mode: 'json', snapshot: () => midway, title: 'in.jsonl', stream });
  progress.note('a note\nof two lines');
  vi.advanceTimersByTime(2000);
  progress.stop();
  const objects = text()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(objects.length).toBe(4);
  expect(objects[0]).toEqual({ title: 'in.jsonl', note: 'a note\nof two lines' });
  expect(objects.map((object) => object['final'])).toEqual([undefined, false, false, true]);
  expect(objects[3]).toMatchObject({
    total: 200,
    done: 126,
    recent_rate: 46.9,
    gpu_peak_bytes: null,
    latency_ms: null,
  });
});

test('the keys are those of a snapshot in snake_case', () => {
  const { stream, text } = captureStream();
  startProgress({ mode: 'json', snapshot: () => midway, title: 'in.jsonl', stream }).stop();
  expect(Object.keys(JSON.parse(text()) as object).toSorted()).toMatchInlineSnapshot(`
    [
      "context",
      "done",
      "elapsed_seconds",
      "engine",
      "engine_load",
      "engine_restarts",
      "error_groups",
      "errors",
      "eta",
      "failed",
      "failures",
      "final",
      "generation_basis",
      "gpu_peak_bytes",
      "gpus",
      "in_flight",
      "latency_ms",
      "load_ms",
      "model_memory",
      "most_workers",
      "oldest_in_flight",
      "overall_generation_rate",
      "overall_prompt_rate",
      "overall_rate",
      "paused_seconds",
      "prompt_basis",
      "prompt_includes_cached",
      "queue_ms",
      "recent_generation_rate",
      "recent_prompt_rate",
      "recent_rate",
      "retries",
      "schema_version",
      "servers",
      "succeeded",
      "title",
      "tokens",
      "tokens_in_flight",
      "total",
      "ttft_ms",
      "vram_guard",
      "workers",
      "workers_at_start",
    ]
  `);
});
