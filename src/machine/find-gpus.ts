import { messageOf } from '../core/errors.ts';
import { type GpuValues, queryArguments, readGpuLine } from './nvidia-smi.ts';

const fields = ['name', 'driver', 'totalBytes', 'usedBytes', 'freeBytes'] as const;

/** A GPU and its memory, in bytes; null where the driver does not say. */
export type Gpu = GpuValues<(typeof fields)[number]>;

/** The GPUs of this machine, as one look showed them. */
export interface GpuSearch {
  gpus: Gpu[];
  /** What `nvidia-smi` said instead; null where it listed GPUs, or is not there. */
  failure: string | null;
}

const maxMs = 10_000;

/** Finds NVIDIA's GPUs by one call of `nvidia-smi`. That it is not there is a normal case. */
export async function findGpus(environment: NodeJS.ProcessEnv): Promise<GpuSearch> {
  const { execa } = await import('execa');
  const outcome = await execa('nvidia-smi', queryArguments(fields), {
    env: environment,
    extendEnv: false,
    stdin: 'ignore',
    timeout: maxMs,
    reject: false,
  });
  if (outcome.code === 'ENOENT') return { gpus: [], failure: null };
  const lines = outcome.stdout.split('\n').filter((line) => line.trim() !== '');
  const gpus = lines.map((line) => readGpuLine(line, fields)).filter((gpu) => gpu !== null);
  if (!outcome.failed && gpus.length > 0) return { gpus, failure: null };
  const message = [...lines, ...outcome.stderr.split('\n')].find((line) => line.trim() !== '');
  return { gpus: [], failure: message?.trim() ?? messageOf(outcome.cause ?? 'it said nothing') };
}
