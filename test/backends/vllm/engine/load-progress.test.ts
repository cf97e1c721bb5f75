import { expect, test } from 'vitest';
import { createLoadProgress, loadProgress } from '../../../../src/backends/vllm/engine/load-progress.ts';

const head = '(EngineCore pid=42) INFO 11-25 13:00:00 [gpu_model_runner.py:4021]';

test.each([
  ['Fetching 4 files:  25%|##5       | 1/4 [00:01<00:03,  1.0s/it]', 'vllm: fetching the model'],
  [`${head} Starting to load model google/gemma-3-4b-it...`, 'vllm: loading the weights'],
  [
    'Loading safetensors checkpoint shards:  50% Completed | 1/2 [00:00<00:00,  1.31it/s]',
    'vllm: loading the weights (50%, file 1 of 2)',
  ],
  [`${head} Model loading took 8.58 GiB memory and 12.6 seconds`, 'vllm: weights loaded (8.58 GiB in 13 s)'],
  [`${head} Model loading took 8.5834 GiB and 12.61 seconds`, 'vllm: weights loaded (8.5834 GiB in 13 s)'],
  [`${head} Warming up model for the compilation...`, 'vllm: compiling the model'],
  [`${head} Dynamo bytecode transform time: 3.2 s`, 'vllm: compiling the model'],
  ['Capturing CUDA graphs (mixed prefill-decode, PIECEWISE):  10%|#', 'vllm: capturing CUDA graphs'],
  [`${head} GPU KV cache size: 65,536 tokens`, 'vllm: room for 65,536 tokens in the KV cache'],
])('%s', (line, notice) => {
  expect(loadProgress(line)).toBe(notice);
});

test('other lines say nothing', () => {
  expect(loadProgress(`${head} Using Flash Attention backend.`)).toBe(null);
});

test('each notice is given once, those with figures as details', () => {
  const notices: unknown[] = [];
  const read = createLoadProgress({ onNotice: (...notice) => notices.push(notice) });
  const graphs = [10, 20, 30].map((percent) => `Capturing CUDA graphs:  ${percent}%|#`);
  for (const line of [...graphs, `${head} GPU KV cache size: 16 tokens`, ...graphs]) read(line);
  expect(notices).toEqual([['vllm: capturing CUDA graphs'], ['vllm: room for 16 tokens in the KV cache', 'detail']]);
});

test('what the engine does now is a step of the start', () => {
  const steps: string[] = [];
  const read = createLoadProgress({ onNotice: () => {}, onStep: (step) => steps.push(step) });
  read(`${head} Starting to load model google/gemma-3-4b-it...`);
  read('Loading safetensors checkpoint shards:  50% Completed | 1/2 [00:00<00:00,  1.31it/s]');
  read(`${head} Model loading took 8.58 GiB memory and 12.6 seconds`);
  read('Capturing CUDA graphs (mixed prefill-decode, PIECEWISE):  10%|#');
  read(`${head} GPU KV cache size: 16 tokens`);
  expect(steps).toEqual([
    'loading the weights',
    'loading the weights (50%, file 1 of 2)',
    'preparing the model',
    'capturing CUDA graphs',
  ]);
});
