import type { GpuSample } from './events.ts';

export interface GpuMemory {
  usedBytes: number | null;
  totalBytes: number | null;
}

/** Memory summed over the GPUs; null where no driver tells. */
export const gpuMemory = (gpus: Pick<GpuSample, 'usedBytes' | 'totalBytes'>[]): GpuMemory => ({
  usedBytes: sum(gpus.map((gpu) => gpu.usedBytes)),
  totalBytes: sum(gpus.map((gpu) => gpu.totalBytes)),
});

function sum(values: (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((total, value) => total + value, 0);
}
