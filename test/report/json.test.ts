import { expect, test } from 'vitest';
import { renderJson } from '../../src/report/json.ts';
import { sampleReport } from './sample-run.ts';

test('the report as JSON has snake_case keys, and null for what was not measured', () => {
  const report = JSON.parse(renderJson(sampleReport())) as Record<string, unknown>;
  expect(report).toMatchObject({
    run: { output_path: 'candidates.results.jsonl', snapshot: null },
    done: 100,
    tokens: { cache_hit_rate: 0.6 },
    tokens_saved: 5700,
    queue_ms: null,
    error_groups: { timeout: 3, model: 2 },
    rate_over_time: { bucket_seconds: 2 },
  });
  expect(JSON.stringify(report)).not.toMatch(/"[a-z_]*[a-z][A-Z][A-Za-z]*":/);
});
