import type { AttemptTokens } from '../../core/attempt-tokens.ts';
import type { Emit, ResultSample } from '../../core/events.ts';
import type { GpuSample } from '../../core/measurements.ts';
import { createHistogram, secondsBuckets } from './histogram.ts';
import { type MetricFamily, type MetricSample, counter, gauge, labelled } from './text-format.ts';

/** What the runs of all batches did since the server was started: sums that never fall. */
export interface RunCounters {
  onEvent: Emit;
  families: () => MetricFamily[];
}

/** GPUs are sampled while a run goes on. Milliseconds after which the last sample says nothing of what is. */
const gpuSampleMs = 60_000;

/** Counts the events of runs, one after the other or several at once. `now` is a clock in milliseconds that never goes back. */
export function createRunCounters(now: () => number): RunCounters {
  const results = createResultMetrics();
  const tokens = createTokenMetrics();
  const gpus = { last: [] as GpuSample[], atMs: -Infinity };
  let restarts = 0;
  return {
    onEvent(event) {
      if (event.type === 'result-end') results.add(event.sample);
      else if (event.type === 'request-end') tokens.add(event.rest ?? event.tokens);
      else if (event.type === 'flight') {
        const { generated, promptComputed, promptCached } = event.flight;
        tokens.add({
          completionTokens: generated,
          promptTokens: promptComputed + promptCached,
          cachedTokens: promptCached,
        });
      } else if (event.type === 'engine-restart') restarts++;
      else if (event.type === 'gpu-sample') Object.assign(gpus, { last: event.gpus, atMs: now() });
    },
    families: () => [
      ...results.families(),
      tokens.family(),
      gauge(
        'llmbatch_gpu_memory_bytes',
        'Memory of each GPU, while a batch runs.',
        now() - gpus.atMs > gpuSampleMs ? [] : gpus.last.flatMap(gpuMemorySamples),
      ),
      counter('llmbatch_engine_restarts_total', 'How often the engine was started again after a failure.', [
        { value: restarts },
      ]),
    ],
  };
}

/** Outcomes of requests, and the times of those that succeeded: the time of a failure says something about the failure alone. */
function createResultMetrics() {
  const outcomes = { succeeded: 0, failed: 0 };
  const duration = createHistogram(secondsBuckets);
  const firstToken = createHistogram(secondsBuckets);
  return {
    add({ kind, latencyMs, ttftMs }: ResultSample): void {
      outcomes[kind === null ? 'succeeded' : 'failed']++;
      if (kind !== null) return;
      duration.observe(latencyMs / 1000);
      if (ttftMs !== null) firstToken.observe(ttftMs / 1000);
    },
    families: (): MetricFamily[] => [
      counter(
        'llmbatch_requests_total',
        'Requests that got their result since the server was started.',
        labelled('outcome', outcomes),
      ),
      {
        name: 'llmbatch_request_duration_seconds',
        help: 'Time from sending a request to the end of its answer, in its last attempt, of requests that succeeded.',
        type: 'histogram',
        samples: duration.samples(),
      },
      {
        name: 'llmbatch_time_to_first_token_seconds',
        help: 'Time from sending a request to the first token of its answer, where it was measured, of requests that succeeded.',
        type: 'histogram',
        samples: firstToken.samples(),
      },
    ],
  };
}

/** Tokens as the engine tells of them, and at the end of an attempt those that it had not told. */
function createTokenMetrics() {
  const sums = { generated: createSum(), prompt_computed: createSum(), prompt_cached: createSum() };
  return {
    add({ promptTokens, completionTokens, cachedTokens }: AttemptTokens): void {
      sums.generated.add(completionTokens ?? 0);
      sums.prompt_computed.add((promptTokens ?? 0) - (cachedTokens ?? 0));
      sums.prompt_cached.add(cachedTokens ?? 0);
    },
    family: (): MetricFamily =>
      counter(
        'llmbatch_tokens_total',
        'Tokens of all attempts, also of those that failed: of answers, of prompts that were computed, and of prompts from the cache of the engine.',
        Object.entries(sums).map(([kind, sum]) => ({ labels: { kind }, value: sum.read() })),
      ),
  };
}

/** A sum whose value never falls: what an engine told of an answer may be more than it counts at its end. */
function createSum() {
  let sum = 0;
  let highest = 0;
  return {
    add(part: number): void {
      sum += part;
      highest = Math.max(highest, sum);
    },
    read: (): number => highest,
  };
}

const gpuMemorySamples = ({ usedBytes, totalBytes }: GpuSample, at: number): MetricSample[] =>
  Object.entries({ used: usedBytes, total: totalBytes }).flatMap(([kind, value]) =>
    value === null ? [] : [{ labels: { gpu: String(at), kind }, value }],
  );
