import { UsageError } from '../../core/errors.ts';

/** The engines that a run takes, by the GPUs that each may see; null: whatever there is. */
export type EngineLayout = readonly (string | null)[];

/**
 * One engine, or several side by side: for a model that fits one GPU they are independent of each other, as vLLM's own
 * data parallelism has it, and a dead one takes none of the others with it. Each gets as many GPUs as a model is spread over.
 */
export function engineLayout(options: Record<string, unknown>, gpus: number[] | null): EngineLayout {
  const count = (name: string): number | null => (options[name] === undefined ? null : Number(options[name]));
  const size = (count('tensor_parallel_size') ?? 1) * (count('pipeline_parallel_size') ?? 1);
  const wanted = count('data_parallel_size');
  if (gpus !== null) return shareOut(gpus, size, wanted);
  if (wanted === null || wanted === 1) return [null];
  const numbers = Array.from({ length: wanted * size }, (_, gpu) => gpu);
  return shareOut(numbers, size, wanted);
}

function shareOut(gpus: number[], size: number, wanted: number | null): string[] {
  const engines = Math.floor(gpus.length / size);
  if (engines === 0 || gpus.length % size !== 0) {
    throw new UsageError(
      `--gpus: ${gpus.length} GPUs can't be shared out, since the model takes ${size}`,
      'Give a multiple of tensor_parallel_size.',
    );
  }
  if (wanted !== null && wanted !== engines) {
    throw new UsageError(
      `--gpus make ${engines} engines, and data_parallel_size says ${wanted}`,
      'Leave one of them out.',
    );
  }
  return Array.from({ length: engines }, (_, engine) => gpus.slice(engine * size, (engine + 1) * size).join(','));
}
