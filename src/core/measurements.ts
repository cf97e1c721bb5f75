/**
 * One sample of a GPU; bytes, percent, degrees Celsius, watts. Null where the driver says N/A. The clock and what holds it
 * down are absent where the driver does not know them.
 */
export interface GpuSample {
  usedBytes: number | null;
  totalBytes: number | null;
  utilisation: number | null;
  temperature: number | null;
  powerWatts: number | null;
  /** Of its cores now, and at most. */
  clockMhz?: number | null;
  mostClockMhz?: number | null;
  /** The driver lowers the clock for heat or power. */
  isThrottled?: boolean | null;
}

/** Bytes that a loaded model takes. */
export interface ModelMemory {
  /** Of the weights alone; null where it isn't known. */
  weightsBytes: number | null;
  /** Weights, KV cache and buffers. */
  loadedBytes: number;
  /** The part of it that lies in GPU memory: less than all of it means that the CPU does some of the work. */
  vramBytes: number;
}

/** What an engine with a scheduler of its own is doing. */
export interface EngineLoad {
  /** Requests that it works on, and that wait for it. */
  running: number;
  waiting: number;
  /** Share of its KV cache in use, 0 to 1. */
  kvUsage: number;
}

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

/** A sum with a part that was not measured is not known. */
export const addMeasured = (total: number | null, part: number | null): number | null =>
  total === null || part === null ? null : total + part;

/** A sum of what is reported; null where nothing is. */
export const addReported = (total: number | null, part: number | null): number | null =>
  total === null || part === null ? (total ?? part) : total + part;
