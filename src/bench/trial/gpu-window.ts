import { gpuMemory, type GpuSample } from '../../core/measurements.ts';
import { type Mean, addTo, createMean, meanOf, meansBy, mergeMeans, readMean } from '../statistics/mean.ts';
import type { GpuWindow } from '../records/records.ts';

/** What the samples of a window say of all GPUs together; `throttled` is the share of samples that do. */
export type GpuMeans = Record<MeanName, Mean>;

const meanNames = ['used', 'total', 'utilisation', 'temperature', 'power', 'clock', 'maxClock', 'throttled'] as const;
type MeanName = (typeof meanNames)[number];

export const openGpus = (): GpuMeans => meansBy(meanNames, createMean);

export const mergeGpus = (left: GpuMeans, right: GpuMeans): GpuMeans =>
  meansBy(meanNames, (name) => mergeMeans(left[name], right[name]));

/** Memory and power are summed over the GPUs, heat and clocks are the worst one's, utilisation is their mean. */
export function addGpus(means: GpuMeans, gpus: GpuSample[]): void {
  const { usedBytes, totalBytes } = gpuMemory(gpus);
  const slowest = slowestOf(gpus);
  const throttled = known(gpus.map((gpu) => gpu.isThrottled));
  addTo(means.used, usedBytes);
  addTo(means.total, totalBytes);
  addTo(means.utilisation, meanOf(gpus.map((gpu) => gpu.utilisation)));
  addTo(means.temperature, largest(gpus.map((gpu) => gpu.temperature)));
  addTo(means.power, sum(gpus.map((gpu) => gpu.powerWatts)));
  addTo(means.clock, slowest?.clockMhz);
  addTo(means.maxClock, slowest?.mostClockMhz);
  addTo(means.throttled, throttled.length === 0 ? null : Number(throttled.some(Boolean)));
}

/** Null where no sample fell into the window. */
export function closeGpus(means: GpuMeans): GpuWindow | null {
  if (meanNames.every((name) => means[name].count === 0)) return null;
  const throttled = readMean(means.throttled);
  return {
    used_bytes: readMean(means.used),
    total_bytes: readMean(means.total),
    utilisation: readMean(means.utilisation),
    temperature: readMean(means.temperature),
    power_watts: readMean(means.power),
    clock: readMean(means.clock),
    clock_most: readMean(means.maxClock),
    is_throttled: throttled === null ? null : throttled >= 0.5,
  };
}

/** The GPU whose clock is the smallest part of what it can be. */
function slowestOf(gpus: GpuSample[]): GpuSample | undefined {
  return gpus
    .filter(({ clockMhz }) => clockMhz !== null && clockMhz !== undefined)
    .toSorted((left, right) => clockShare(left) - clockShare(right))[0];
}

const clockShare = ({ clockMhz, mostClockMhz }: GpuSample): number => (clockMhz ?? 0) / (mostClockMhz ?? 1);

const known = <Value>(values: (Value | null | undefined)[]): Value[] =>
  values.filter((value): value is Value => value !== null && value !== undefined);

function largest(values: (number | null)[]): number | null {
  const measured = known(values);
  return measured.length === 0 ? null : Math.max(...measured);
}

function sum(values: (number | null)[]): number | null {
  const measured = known(values);
  return measured.length === 0 ? null : measured.reduce((total, value) => total + value, 0);
}
