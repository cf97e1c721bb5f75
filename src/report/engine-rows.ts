import { formatBytes, formatDuration, formatInteger, formatPercent, notMeasured } from '../core/format.ts';
import { gpuMemory } from '../core/gpu-memory.ts';
import type { Snapshot } from '../core/snapshot.ts';

/** What was measured of the engine and the machine; nothing where no snapshot was kept. */
export function engineRows(snapshot: Snapshot | null): string[][] {
  if (snapshot === null) return [];
  const { engine, context } = snapshot;
  return [
    ['workers', formatInteger(snapshot.workers)],
    ['model loaded in', formatDuration(snapshot.loadMs)],
    ['GPU memory', gpuMemoryText(snapshot)],
    ['GPUs', gpusText(snapshot)],
    ['engine memory', engine === null ? notMeasured : `peak ${formatBytes(engine.peakMemoryBytes)}`],
    ['engine CPU', engine === null ? notMeasured : `${Math.round(engine.cpuPercent)}% of one core`],
    ['context peak', contextText(context)],
    ['trims', formatInteger(context.trims)],
    ['engine restarts', formatInteger(snapshot.engineRestarts)],
  ];
}

/** The peak beside what there is: `peak 14.1 GiB of 16.0 GiB`. */
export function gpuMemoryText({ gpus, gpuPeakBytes }: Snapshot): string {
  const { totalBytes } = gpuMemory(gpus ?? []);
  if (gpuPeakBytes === null) return notMeasured;
  return `peak ${formatBytes(gpuPeakBytes)} of ${formatBytes(totalBytes)}`;
}

/** The last sample of each GPU. */
function gpusText({ gpus }: Snapshot): string {
  if (gpus === null) return notMeasured;
  return gpus
    .map(({ utilisation, temperature, powerWatts }) =>
      [withUnit(utilisation, '%'), withUnit(temperature, ' °C'), withUnit(powerWatts, ' W')].join(', '),
    )
    .join('; ');
}

const withUnit = (value: number | null, unit: string): string =>
  value === null ? notMeasured : `${Math.round(value)}${unit}`;

/** `peak` beside the window: `28,672 of 32,768 tokens (87.5%)`. */
export function contextText({ peak, limit }: Snapshot['context']): string {
  if (peak === null) return notMeasured;
  if (limit === null) return `${formatInteger(peak)} tokens`;
  return `${formatInteger(peak)} of ${formatInteger(limit)} tokens (${formatPercent(peak / limit)})`;
}
