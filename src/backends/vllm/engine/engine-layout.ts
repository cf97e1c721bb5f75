import type { BackendAddress } from '../../../core/connection.ts';
import { UsageError } from '../../../core/errors.ts';
import { gpusOf } from '../connection.ts';

/** The engines of a run, each with the GPUs that it may see; null lets it see all. */
export type EngineLayout = readonly (string | null)[];

/**
 * One engine, or several side by side: for a model that fits one GPU they are independent of each other, as vLLM's own
 * data parallelism has it, and a dead one takes none of the others with it. Each gets as many GPUs as a model is spread
 * over.
 */
export function engineLayout(
  options: Record<string, unknown>,
  { connection, environment }: BackendAddress,
): EngineLayout {
  const gpus = gpusOf(connection);
  const count = (name: string): number => Number(options[name] ?? 1);
  const size = count('tensor_parallel_size') * count('pipeline_parallel_size');
  const wanted = count('data_parallel_size');
  if (gpus === null && wanted === 1) return [null];
  const numbers = gpus ?? Array.from({ length: wanted * size }, (_, index) => index);
  const engines = numbers.length / size;
  if (!Number.isInteger(engines)) {
    throw new UsageError(
      `--gpus: ${numbers.length} GPUs can't be shared out, since the model takes ${size}`,
      'Give a multiple of tensor_parallel_size.',
    );
  }
  if (options['data_parallel_size'] !== undefined && wanted !== engines) {
    throw new UsageError(
      `--gpus make ${engines} engines, but data_parallel_size is ${wanted}`,
      'Use only one of them.',
    );
  }
  const names = visibleNames(numbers, environment['CUDA_VISIBLE_DEVICES']);
  return Array.from({ length: engines }, (_, engine) => names.slice(engine * size, (engine + 1) * size).join(','));
}

/** Numbers count in what the user, or a scheduler of jobs, lets this program see. */
function visibleNames(numbers: readonly number[], visible: string | undefined): string[] {
  if (!visible) return numbers.map(String);
  const names = visible.split(',').map((name) => name.trim());
  const beyond = numbers.find((number) => number >= names.length);
  if (beyond === undefined) return numbers.map((number) => names[number]!);
  throw new UsageError(
    `there is no GPU ${beyond}: CUDA_VISIBLE_DEVICES=${visible} names ${names.length}`,
    'Numbers count from 0 in that list.',
  );
}
