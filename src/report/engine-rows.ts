import { formatBytes, formatDuration, formatInteger, formatPercent, notMeasured } from '../text/format.ts';
import { gpuMemory, type ModelMemory } from '../core/measurements.ts';
import type { Snapshot } from '../core/snapshot.ts';

/** What was measured of the engine and the machine; nothing where no snapshot was kept. */
export function engineRows(snapshot: Snapshot | null): string[][] {
  if (snapshot === null) return [];
  const { engine, context } = snapshot;
  return [
    workersRow(snapshot),
    ['model loaded in', formatDuration(snapshot.loadMs)],
    ['model memory', modelMemoryText(snapshot)],
    ['GPU memory', gpuMemoryText(snapshot)],
    ['VRAM guard', vramGuardText(snapshot)],
    ['GPUs', gpusText(snapshot)],
    ['engine memory', engine === null ? notMeasured : `peak ${formatBytes(engine.peakMemoryBytes)}`],
    ['engine CPU', engine === null ? notMeasured : `${Math.round(engine.cpuPercent)}% of one core`],
    ['context peak', contextText(context)],
    ['trims', formatInteger(context.trims)],
    ['engine restarts', formatInteger(snapshot.engineRestarts)],
  ].filter(([, value]) => value !== '');
}

/** The workers now, beside those at the start where some were taken out of work: `2 of 8`. */
export function workersRow({ workers, workersAtStart, mostWorkers }: Snapshot): [name: string, text: string] {
  const now = formatInteger(workers);
  if (mostWorkers > workersAtStart) return ['in flight', `${now} of at most ${formatInteger(mostWorkers)} (found)`];
  return ['workers', workers === workersAtStart ? now : `${now} of ${formatInteger(workersAtStart)}`];
}

/** `4.1 GiB: weights 3.1 GiB, KV cache and buffers 1.0 GiB; all on the GPU`; '' where no engine said it. */
export function modelMemoryText({ modelMemory }: Snapshot): string {
  if (modelMemory === null) return '';
  const { weightsBytes, loadedBytes } = modelMemory;
  const parts =
    weightsBytes === null
      ? ''
      : `: weights ${formatBytes(weightsBytes)}, KV cache and buffers ${formatBytes(loadedBytes - weightsBytes)}`;
  return `${formatBytes(loadedBytes)}${parts}; ${placeText(modelMemory)}`;
}

function placeText({ loadedBytes, vramBytes }: ModelMemory): string {
  if (vramBytes >= loadedBytes) return 'all on the GPU';
  if (vramBytes === 0) return 'on the CPU';
  const percent = Math.max(1, Math.floor((vramBytes / loadedBytes) * 100));
  return `${percent}% on the GPU, the rest on the CPU`;
}

/** What full GPU memory forced; '' where it forced nothing. */
export function vramGuardText({ vramGuard }: Snapshot): string {
  if (vramGuard === null) return '';
  const { trims, lowered, pauses } = vramGuard;
  return [times('histories trimmed', trims), times('workers halved', lowered), times('paused', pauses)]
    .filter(Boolean)
    .join(', ');
}

function times(what: string, count: number): string {
  if (count === 0) return '';
  return count === 1 ? `${what} once` : `${what} ${formatInteger(count)} times`;
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
