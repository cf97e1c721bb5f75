import type { Connection, ConnectionFlag } from '../../core/connection.ts';
import { UsageError } from '../../core/errors.ts';

export const vllmConnection: Record<string, ConnectionFlag> = {
  python: {
    flag: '--python <path>',
    help: 'the Python with vLLM (default: LLMBATCH_PYTHON, the active environment, python3)',
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
  ray: {
    flag: '--ray <address>',
    help: "vllm: run engines on a Ray cluster: auto (this machine's cluster), or host:port of its head",
    names: 'cluster',
    secrets: ['HF_TOKEN', 'RAY_AUTH_TOKEN'],
    parse: parseAddress,
  },
  replicas: {
    flag: '--replicas <count>',
    help: 'vllm: number of engines on the Ray cluster, n or min-max; the run begins when min (else 1) are ready (default: as many as the GPUs hold)',
    names: 'devices',
    parse(value) {
      rangeOf(value);
      return String(value);
    },
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

/** How many engines there are to be on a cluster, and how many of them before the first request. */
export interface ReplicaRange {
  min: number;
  max: number;
}

/** The engines that are asked for; null: as many as the cluster can hold. */
export const replicasOf = ({ replicas }: Connection): ReplicaRange | null =>
  (replicas ?? null) === null ? null : rangeOf(replicas);

/** `4`, or `1-4`. */
function rangeOf(value: unknown): ReplicaRange {
  const [, min = 1, max] = /^(?:(\d+)-)?(\d+)$/.exec(String(value)) ?? [];
  const range = { min: Number(min), max: Number(max) };
  if (range.min >= 1 && range.max >= range.min) return range;
  throw new UsageError('Expected a number, or a minimum and a maximum: 4, 1-4.');
}

/** `auto`, or `host:port`. */
function parseAddress(value: unknown): string {
  const address = String(value);
  if (address.startsWith('ray://'))
    throw new UsageError(
      'Ray Client (ray://) is too slow for this: run llmbatch on a node of the cluster, with --ray auto.',
    );
  if (address === 'auto' || /^[^\s/:]+:\d+$|^\[[^\]\s]+\]:\d+$/.test(address)) return address;
  throw new UsageError('Expected auto, or host:port of the head of a Ray cluster.');
}
