import { expect, test } from 'vitest';
import { engineLayout } from '../../../../src/backends/vllm/engine/engine-layout.ts';
import { vllmOptionsSchema } from '../../../../src/backends/vllm/options.ts';

test.each<[string, Record<string, unknown>, number[] | null, (string | null)[]]>([
  ['one engine takes what it finds', {}, null, [null]],
  ['also over several GPUs', { tensor_parallel_size: 4 }, null, [null]],
  ['one on each GPU that is named', {}, [0, 2], ['0', '2']],
  ['one on the one GPU', {}, [3], ['3']],
  ['several with several each', { tensor_parallel_size: 2 }, [0, 1, 4, 5], ['0,1', '4,5']],
  ['a pipeline takes GPUs too', { tensor_parallel_size: 2, pipeline_parallel_size: 2 }, [0, 1, 2, 3], ['0,1,2,3']],
  ['data parallelism without names', { data_parallel_size: 2, tensor_parallel_size: 2 }, null, ['0,1', '2,3']],
  ['data parallelism of one', { data_parallel_size: 1 }, null, [null]],
  ['both, and they agree', { data_parallel_size: 2 }, [5, 7], ['5', '7']],
])('%s', (_name, options, gpus, layout) => {
  expect(engineLayout(options, { connection: { gpus }, environment: {} })).toEqual(layout);
});

test('numbers count in what the user lets the program see', () => {
  const environment = { CUDA_VISIBLE_DEVICES: 'GPU-a, 3,7' };
  expect(engineLayout({}, { connection: { gpus: [0, 2] }, environment })).toEqual(['GPU-a', '7']);
  expect(engineLayout({ data_parallel_size: 2 }, { connection: {}, environment })).toEqual(['GPU-a', '3']);
  expect(() => engineLayout({}, { connection: { gpus: [3] }, environment })).toThrow('there is no GPU 3');
});

test.each<[string, Record<string, unknown>, number[], RegExp]>([
  ['too few', { tensor_parallel_size: 2 }, [0], /1 GPUs can't be shared out, since the model takes 2/],
  ['one too many', { tensor_parallel_size: 2 }, [0, 1, 2], /3 GPUs can't be shared out/],
  [
    'another number of engines',
    { data_parallel_size: 3 },
    [0, 1],
    /--gpus make 2 engines, but data_parallel_size is 3/,
  ],
])('refused: %s', (_name, options, gpus, message) => {
  expect(() => engineLayout(options, { connection: { gpus }, environment: {} })).toThrow(message);
});

test('options are the engine’s own to check, but for the numbers of GPUs', async () => {
  const schema = await vllmOptionsSchema();
  const options = { max_model_len: 4096, dtype: 'float16', enforce_eager: true, tensor_parallel_size: 2 };
  expect(schema.parse(options)).toMatchObject({ max_model_len: 4096, dtype: 'float16', enforce_eager: true });
  for (const wrong of [0, 1.5, '2', 'two', true])
    expect(schema.safeParse({ data_parallel_size: wrong }).success).toBe(false);
});
