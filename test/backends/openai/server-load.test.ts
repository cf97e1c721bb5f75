import { expect, test } from 'vitest';
import { askLoad } from '../../../src/backends/openai/server/server-load.ts';

const never = new AbortController().signal;

/** Asks a server of this kind with these pages. */
const ask = (kind: string | null, pages: Record<string, string>) =>
  askLoad(
    {
      place: { url: 'http://it/v1', root: 'http://it', isLocal: true, key: null },
      get: async (url) => {
        const text = pages[url.replace('http://it', '')];
        return { status: text === undefined ? 501 : 200, headers: {}, text: text ?? '{"error":{"code":501}}' };
      },
    },
    kind,
    never,
  );

// As the servers send them, in part.
const vllm = `# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="a b} c"} 12.0
vllm:num_requests_running{engine="1",model_name="a b} c"} 1e1
vllm:num_requests_waiting{engine="0",model_name="a b} c"} 3.0
vllm:num_requests_waiting{engine="1",model_name="a b} c"} 0.0
vllm:num_requests_waiting_by_reason{engine="0",model_name="a b} c",reason="capacity"} 3.0
vllm:kv_cache_usage_perc{engine="0",model_name="a b} c"} 0.5
vllm:kv_cache_usage_perc{engine="1",model_name="a b} c"} 0.25
`;
const llama = `# TYPE llamacpp:requests_processing gauge
llamacpp:requests_processing 4
# TYPE llamacpp:requests_deferred gauge
llamacpp:requests_deferred 60
`;
const slots = JSON.stringify([
  { id: 0, is_processing: true },
  { id: 1, is_processing: false },
]);
const sglang =
  'sglang:num_running_reqs{tp_rank="0"} 7.0\nsglang:num_queue_reqs{tp_rank="0"} 2.0\nsglang:token_usage 0.1\n';

test.each([
  ['vllm', { '/metrics': vllm }, { running: 22, waiting: 3, kvUsage: 0.375 }],
  ['sglang', { '/metrics': sglang }, { running: 7, waiting: 2, kvUsage: 0.1 }],
  ['llamacpp', { '/metrics': llama, '/slots': slots }, { running: 4, waiting: 60, kvUsage: null }],
  ['llamacpp', { '/slots': slots }, { running: 1, waiting: null, kvUsage: null }],
  ['llamacpp', { '/slots': '[{}]' }, null],
  ['llamacpp', { '/slots': '[]' }, null],
  ['vllm', { '/metrics': llama, '/slots': slots }, null],
  ['vllm', { '/metrics': 'vllm:num_requests_running NaN\nvllm:num_requests_waiting -1\n' }, null],
  ['vllm', { '/metrics': '<html>Log in</html>' }, null],
  ['sglang', {}, null],
  ['system', { '/metrics': vllm }, null],
  [null, { '/metrics': vllm, '/slots': slots }, null],
])('a server of the kind %s with %o says %o', async (kind, pages, load) => {
  expect(await ask(kind, pages)).toEqual(load);
});
