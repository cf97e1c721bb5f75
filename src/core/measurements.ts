/** One sample of a GPU, as nvidia-smi or the files of AMD's driver report it. A number is null where the driver does not say it. */
export interface GpuSample {
  usedBytes: number | null;
  totalBytes: number | null;
  /** Share of the time that the GPU was busy, in percent. */
  utilisation: number | null;
  /** Degrees Celsius. */
  temperature: number | null;
  powerWatts: number | null;
  /** Clock of the cores now; absent where the driver does not report clocks, as the two below. */
  clockMhz?: number | null;
  /** Highest clock that the cores can have. */
  maxClockMhz?: number | null;
  /** The driver holds the clock down for heat or power. */
  isThrottled?: boolean | null;
}

/** Memory that a loaded model takes, in bytes. */
export interface ModelMemory {
  /** Memory of the weights alone; null where it is not known. */
  weightsBytes: number | null;
  /** Memory of weights, KV cache and buffers together. */
  loadedBytes: number;
  /** The part of `loadedBytes` in GPU memory. Where it is less than all of it, the CPU does some of the work. */
  vramBytes: number;
}

/** What came of the requests in flight since the sample before, and how far they are. */
export interface FlightSample {
  /** Tokens of answers that the engine told of as it made them, also those of requests that have ended since. */
  generated: number;
  /** Prompt tokens that the engine told of as it computed them. */
  promptComputed: number;
  /** Prompt tokens that the engine told of as it found them in its cache. */
  promptCached: number;
  /** Requests in flight of whose answers at least one token is known. */
  writing: number;
  /** Tokens that the answers in flight have so far, all together. */
  tokens: number;
  /** The request that was sent first: milliseconds since then, and tokens of its answer so far; null where none is in flight. */
  oldest: { ageMs: number; tokens: number } | null;
  /**
   * Each request in flight, in the order of sending: milliseconds since then, tokens of its answer so far, how many it may have
   * (null where nothing limits them but the window), and bytes of its line in the input (0 where they are not known).
   */
  each: { agesMs: number[]; tokens: number[]; limits: (number | null)[]; bytes: number[] };
}

/** Load of an engine that schedules requests itself. */
export interface EngineLoad {
  /** Requests that the engine works on. */
  running: number;
  /** Requests that wait in the engine's queue; null where the engine does not say. */
  waiting: number | null;
  /** Share of the KV cache in use, 0 to 1; null where the engine does not say. */
  kvUsage: number | null;
  /** Requests, running or waiting, that others sent; absent where it isn't known, and for an engine of our own. */
  others?: number;
  /**
   * Copies of the engine that share the requests: those that are ready, those that are to come for the first time, and those
   * that were lost. Absent where there is one engine, or nobody counts them.
   */
  replicas?: { up: number; pending: number; lost: number };
}

/** Memory of all GPUs together; null where no driver reports it. */
export interface GpuMemory {
  usedBytes: number | null;
  totalBytes: number | null;
}

/** Sums the memory of GPUs over those whose driver reports it. */
export const gpuMemory = (gpus: Pick<GpuSample, 'usedBytes' | 'totalBytes'>[]): GpuMemory => ({
  usedBytes: sum(gpus.map((gpu) => gpu.usedBytes)),
  totalBytes: sum(gpus.map((gpu) => gpu.totalBytes)),
});

function sum(values: (number | null)[]): number | null {
  const reported = values.filter((value) => value !== null);
  return reported.length === 0 ? null : reported.reduce((total, value) => total + value, 0);
}

/** Adds to a sum that is null, which is "not known", once any part of it was not measured. */
export const addMeasured = (total: number | null, part: number | null): number | null =>
  total === null || part === null ? null : total + part;

/** Adds to a sum of the parts that are reported; it is null while none is. */
export const addReported = (total: number | null, part: number | null): number | null =>
  total === null || part === null ? (total ?? part) : total + part;
