import type { ErrorKind } from '../../src/core/errors.ts';
import type { ResultSample } from '../../src/core/events.ts';
import type { ResultLine } from '../../src/core/result-line.ts';
import { createMeter } from '../../src/metrics/meter.ts';
import { attemptEnd } from '../helpers/attempt-end.ts';
import { foldReport, type ReportData, type RunFacts } from '../../src/report/report-data.ts';

export const run: RunFacts = {
  outputPath: 'candidates.results.jsonl',
  inputPath: 'candidates.jsonl',
  state: 'finished',
  backend: 'ollama',
  backendVersion: '0.34.0',
  model: 'gemma3:4b',
  mode: 'independent',
  startedAt: '2026-11-22T06:00:00.000Z',
  endedAt: '2026-11-22T06:01:40.000Z',
  total: 100,
  elapsedSeconds: null,
  pausedSeconds: 0,
  sessions: 1,
  snapshot: null,
};

/** Result number `index`: one a second, each with a latency of 100 ms and as many more as its number. */
export function resultLine(
  index: number,
  change: { error?: ErrorKind; attempts?: number; id?: string } = {},
): ResultLine {
  const { error, attempts = 1, id = `candidate-${index}` } = change;
  const usage = {
    prompt_tokens: 100,
    completion_tokens: 10,
    total_tokens: 110,
    prompt_tokens_details: { cached_tokens: 60 },
  };
  const body = { id: 'c', object: 'chat.completion', created: 1, model: 'gemma3:4b', choices: [], usage };
  return {
    id: `result-${index}`,
    custom_id: id,
    response: error === undefined ? { status_code: 200, request_id: id, body } : null,
    error: error === undefined ? null : { code: error, message: 'no' },
    llmbatch: {
      line: index + 1,
      attempts,
      backend: 'ollama',
      model: 'gemma3:4b',
      started_at: new Date(Date.parse('2026-11-22T06:00:00.000Z') + index * 1000).toISOString(),
      queue_ms: null,
      ttft_ms: 20,
      latency_ms: 100 + index,
    },
  };
}

/** A hundred results: five failures, ten second attempts, and an id that is an attack. */
export function sampleReport(facts: Partial<RunFacts> = {}): ReportData {
  const fold = foldReport();
  for (let index = 0; index < 100; index++) {
    const attempts = index % 10 === 3 ? 2 : 1;
    if (index === 99) fold.add(resultLine(index, { id: hostileId }));
    else fold.add(resultLine(index, index % 20 === 7 ? { error: index < 50 ? 'timeout' : 'truncated' } : { attempts }));
  }
  return fold.finish({ ...run, ...facts });
}

const hostileId = '<img src=x onerror=alert(1)>|"\u001B[31m';

/** What a meter saw of such a run, with a GPU and a local engine. */
export function sampleSnapshot() {
  let nowMs = 0;
  const meter = createMeter({ now: () => nowMs });
  meter.add({ type: 'model-start', total: 100, workers: 8, maxWorkers: 8, contextTokens: 4096, loadMs: 3210 });
  meter.add({ type: 'request-retry', kind: 'timeout', attempt: 1, delayMs: 10 });
  const gibibyte = 1024 ** 3;
  meter.add({
    type: 'gpu-sample',
    gpus: [{ usedBytes: 14 * gibibyte, totalBytes: 16 * gibibyte, utilisation: 97, temperature: 61, powerWatts: null }],
  });
  meter.add({ type: 'process-sample', cpuPercent: 101.3, memoryBytes: 1.5 * gibibyte });
  for (let count = 0; count < 60; count++) {
    const sample = {
      promptTokens: 100,
      completionTokens: 10,
      cachedTokens: 60,
      latencyMs: 500,
      ttftMs: 50,
      queueMs: null,
    };
    const result: ResultSample = { ...sample, kind: count < 2 ? 'timeout' : null, attempts: 1, endedAt: 1 };
    meter.add({ type: 'request-start' });
    meter.add(attemptEnd(result));
    meter.add({ type: 'result-end', sample: result });
    nowMs += 500;
  }
  return meter.snapshot();
}
