import type { Connection, ConnectionFlag } from '../../core/connection.ts';
import { UsageError } from '../../core/errors.ts';

export const vllmConnection: Record<string, ConnectionFlag> = {
  python: {
    flag: '--python <path>',
    help: 'the Python that has vLLM (default: LLMBATCH_PYTHON, the active environment, python3)',
    names: 'program',
    variable: 'LLMBATCH_PYTHON',
    secrets: ['HF_TOKEN'],
    parse: (python) => python,
  },
  gpus: {
    flag: '--gpus <list>',
    help: 'vllm: one engine on each of these GPUs: 0,1 (default: one engine)',
    names: 'devices',
    parse: parseGpus,
  },
};

/** The numbers of the GPUs that are to have an engine each; null: the engine takes what it finds. */
export const gpusOf = ({ gpus }: Connection): number[] | null => ((gpus ?? null) === null ? null : parseGpus(gpus));

/** `0,1` → the numbers of GPUs. */
function parseGpus(value: unknown): number[] {
  const gpus = Array.isArray(value) ? value.map(String) : String(value).split(',');
  if (!gpus.every((gpu) => /^\d+$/.test(gpu)) || new Set(gpus).size < gpus.length)
    throw new UsageError('Expected numbers of GPUs, each once: 0,1.');
  return gpus.map(Number);
}
