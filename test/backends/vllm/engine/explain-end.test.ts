import { describe, expect, test } from 'vitest';
import { explainEnd } from '../../../../src/backends/vllm/engine/explain-end.ts';

/** Last lines of logs, in the words of vLLM, torch and transformers. */
const logs = {
  kv: "ValueError: To serve at least one request with the model's max seq len (131072), (16.0 GiB KV cache is needed, which is larger than the available KV cache memory (3.1 GiB). Based on the available memory, the estimated maximum model length is 25392. Try increasing `gpu_memory_utilization`",
  kvUnknown:
    "ValueError: To serve at least one request with the models's max seq len (4096), (2.00 GiB KV cache is needed, which is larger than the available KV cache memory (0.00 GiB). Try increasing",
  free: 'ValueError: Free memory on device cuda:0 (3.21/15.7 GiB) on startup is less than desired GPU memory utilization (0.92, 14.44 GiB).',
  freeOld:
    'ValueError: Free memory on device (3.21/15.7 GiB) on startup is less than desired GPU memory utilization (0.9, 14.13 GiB).',
  cpu: 'ValueError: Available memory on node 0 (2.1/7.8 GiB) on startup is less than desired CPU memory utilization (0.92, 7.2 GiB).',
  cpuKv:
    'ValueError: Available memory on node 0 (2.1/7.8 GiB) on kv cache allocation is less than requested memory for kv (4.0 GiB).',
  noKv: 'ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization`',
  oom: 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.',
  gated:
    'OSError: You are trying to access a gated repo.\n401 Client Error. Access to model google/gemma-3-4b-it is restricted.',
  awaiting: 'Your request to access model google/gemma-3-4b-it is awaiting a review from the repo authors.',
  absent:
    "OSError: nobody/nothing is not a local folder and is not a valid model identifier listed on 'https://huggingface.co/models'",
  notFound: 'huggingface_hub.errors.RepositoryNotFoundError: 404 Client Error.',
  notFoundThere: 'Repository Not Found for url: https://huggingface.co/api/models/nobody/nothing.',
  offline: "OSError: We couldn't connect to 'https://huggingface.co' to load the files",
  custom:
    'RuntimeError: consider setting `trust_remote_code=True` in LLM or using the `--trust-remote-code` flag in the CLI.',
  remoteCode: 'ValueError: requires you to execute the configuration file; set the argument `trust_remote_code=True`',
  window:
    "ValueError: User-specified max_model_len (9000) is greater than the derived max_model_len (max_position_embeddings=4096 or model_max_length=None in model's config.json).",
  architecture: "ValueError: Model architectures ['WibbleForCausalLM'] are not supported for now.",
  illegal: 'The vllm process was ended by SIGILL',
  bfloat: 'ValueError: Bfloat16 is only supported on GPUs with compute capability of at least 8.0.',
  device: 'RuntimeError: Failed to infer device type, please set the environment variable',
  noGpu: 'RuntimeError: No CUDA GPUs are available',
  noDriver: 'RuntimeError: Found no NVIDIA driver on your system.',
};

const consequences = [
  'Traceback (most recent call last):',
  "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {'EngineCore': 1}",
  'The vllm process ended with code 4',
];

describe('an engine that did not start', () => {
  test.each<[keyof typeof logs, string, string, string]>([
    ['kv', 'unusable', '131,072 tokens', '--option max_model_len=25392 is the largest'],
    ['kvUnknown', 'unusable', '4,096 tokens', 'smaller --option max_model_len'],
    ['free', 'unusable', 'Only 3.21 of 15.7 GiB', 'VLLM::EngineCore'],
    ['freeOld', 'unusable', 'Only 3.21 of 15.7 GiB', 'gpu_memory_utilization'],
    ['cpu', 'unusable', "Only 2.1 of 7.8 GiB of the machine's", 'VLLM_CPU_KVCACHE_SPACE'],
    ['cpuKv', 'unusable', "Only 2.1 of 7.8 GiB of the machine's", 'VLLM_CPU_KVCACHE_SPACE'],
    ['noKv', 'unusable', 'weights leave no memory', 'tensor_parallel_size'],
    ['oom', 'out-of-memory', 'ran out of memory', 'max_num_seqs'],
    ['gated', 'unauthorized', 'licence', 'HF_TOKEN'],
    ['awaiting', 'unauthorized', 'licence', 'hf auth login'],
    ['absent', 'model-not-found', 'no such model', 'owner/name'],
    ['notFound', 'model-not-found', 'no such model', 'config.json'],
    ['notFoundThere', 'model-not-found', 'no such model', 'config.json'],
    ['offline', 'model-not-found', 'can not be reached', 'hf download'],
    ['custom', 'unusable', 'code of its own', 'trust_remote_code=true'],
    ['remoteCode', 'unusable', 'code of its own', 'trust_remote_code=true'],
    ['window', 'unusable', 'trained on 4,096 tokens, not on 9,000', 'max_model_len=4096'],
    ['architecture', 'unusable', '(WibbleForCausalLM)', 'pip install -U vllm'],
    ['illegal', 'unusable', 'instructions', 'AVX2'],
    ['bfloat', 'unusable', 'too old', 'dtype=float16'],
    ['device', 'unusable', 'finds no GPU', 'nvidia-smi'],
    ['noGpu', 'unusable', 'finds no GPU', 'CUDA_VISIBLE_DEVICES'],
    ['noDriver', 'unusable', 'finds no GPU', 'nvidia-smi'],
  ])('%s', (name, kind, message, hint) => {
    const reason = explainEnd(['INFO loading', logs[name], ...consequences], false);
    expect(reason).toMatchObject({
      kind,
      message: expect.stringContaining(message) as string,
      hint: expect.stringContaining(hint) as string,
    });
    expect(reason?.message).toMatch(/\.$/);
  });

  test('for a reason that nobody knows', () => {
    expect(explainEnd(['INFO loading', ...consequences], false)).toBe(null);
  });
});

describe('an engine that was ready', () => {
  test('ran out of memory', () => {
    expect(explainEnd([logs.oom, ...consequences], true)).toMatchObject({ kind: 'out-of-memory' });
  });

  test('is not explained by what it said at its start', () => {
    const { oom: _memory, ...others } = logs;
    for (const text of Object.values(others)) expect(explainEnd([text, ...consequences], true)).toBe(null);
  });
});
