import type { GpuSample } from '../../src/core/measurements.ts';

const totalBytes = 16 * 1024 ** 3;

/** A sample of GPUs that are this full, in percent. */
export const gpus = (...percents: (number | null)[]): GpuSample[] =>
  percents.map((percent) => ({
    usedBytes: percent === null ? null : (percent / 100) * totalBytes,
    totalBytes,
    utilisation: null,
    temperature: null,
    powerWatts: null,
  }));
