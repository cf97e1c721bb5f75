import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { createServerMetrics } from '../../src/serve/metrics/server-metrics.ts';
import { readMetrics } from '../serve/metrics/read-metrics.ts';
import { realVllm } from './real-engines.ts';

const program = `
import json, sys
from prometheus_client.parser import text_string_to_metric_families
print(json.dumps([[family.type, [[s.name, s.labels, str(s.value)] for s in family.samples]]
                  for family in text_string_to_metric_families(sys.stdin.read())]))
`;

/** vLLM brings prometheus_client. */
describe.skipIf(realVllm === null)('with prometheus_client', () => {
  test('the metrics are read as our own reader reads them', () => {
    const metrics = createServerMetrics();
    const gpus = [{ usedBytes: 5, totalBytes: 16e9, utilisation: null, temperature: null, powerWatts: null }];
    metrics.onEvent({ type: 'gpu-sample', gpus });
    const state = { running: null, waiting: [], loadedModel: null, modelLoads: 3, paused: null, problem: null };
    const text = metrics.text({
      queue: { state: () => state, snapshotOf: () => null },
      batches: { list: () => [] },
    });
    const output = execFileSync(realVllm?.python ?? '', ['-c', program], { input: text, encoding: 'utf8' });
    const read = JSON.parse(output) as [string, [string, object, string][]][];
    const numbers = read.map(([type, samples]) => [
      type,
      samples.map(([name, labels, value]) => [name, labels, Number(value)]),
    ]);
    expect(numbers).toEqual(
      readMetrics(text).map(({ type, samples }) => [
        type,
        samples.map(({ name, labels, value }) => [name, labels, value]),
      ]),
    );
  });
});
