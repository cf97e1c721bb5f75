import { formatBytes, formatDuration, formatInteger, formatPercent, notMeasured } from '../text/format.ts';
import { gpuMemory, type ModelMemory } from '../core/measurements.ts';
import type { MachineState, Snapshot, TokenCounts, WorkerCounts } from '../core/snapshot.ts';

/** Rows about the engine and the machine; none where no snapshot was kept. */
export function engineRows(snapshot: Snapshot | null): string[][] {
  if (snapshot === null) return [];
  const { progress, times, machine } = snapshot;
  const { engineProcess, context } = machine;
  return [
    workersRow(progress.workers),
    ['model loaded in', formatDuration(times.loadMs)],
    ['model memory', modelMemoryText(machine)],
    ['GPU memory', gpuMemoryText(machine)],
    ['VRAM guard', vramGuardText(machine)],
    ['GPUs', gpusText(machine)],
    ['engine memory', engineProcess === null ? notMeasured : `peak ${formatBytes(engineProcess.peakMemoryBytes)}`],
    ['engine CPU', engineProcess === null ? notMeasured : `${Math.round(engineProcess.cpuPercent)}% of one core`],
    ['context peak', contextText(context)],
    ['history trims', formatInteger(context.trims)],
    ['engine restarts', formatInteger(machine.engineRestarts)],
  ].filter(([, value]) => value !== '');
}

/** The workers now, beside those at the start where some were taken out of work: `2 of 8`; n/a before the engine is open. */
export function workersRow({ current, atStart, max }: WorkerCounts): [name: string, text: string] {
  const now = formatInteger(current);
  if (max > atStart) return ['in flight', `${now} of at most ${formatInteger(max)}`];
  if (atStart === 0) return ['workers', notMeasured];
  return ['workers', current === atStart ? now : `${now} of ${formatInteger(atStart)}`];
}

/** `4.1 GiB: weights 3.1 GiB, KV cache and buffers 1.0 GiB; all on the GPU`; empty where the engine does not report it. */
export function modelMemoryText({ modelMemory }: MachineState): string {
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

/** What full GPU memory made the run do; empty where it did nothing. */
export function vramGuardText({ vramGuard }: MachineState): string {
  if (vramGuard === null) return '';
  const { trims, lowered, pauses } = vramGuard;
  return [repeated('histories trimmed', trims), repeated('workers halved', lowered), repeated('paused', pauses)]
    .filter(Boolean)
    .join(', ');
}

function repeated(what: string, count: number): string {
  if (count === 0) return '';
  return count === 1 ? `${what} once` : `${what} ${formatInteger(count)} times`;
}

/** The peak of GPU memory beside its size: `peak 14.1 GiB of 16.0 GiB`. */
export function gpuMemoryText({ gpus, gpuPeakBytes }: MachineState): string {
  const { totalBytes } = gpuMemory(gpus ?? []);
  if (gpuPeakBytes === null) return notMeasured;
  return `peak ${formatBytes(gpuPeakBytes)} of ${formatBytes(totalBytes)}`;
}

/** Utilisation, temperature and power of each GPU in its last sample. */
function gpusText({ gpus }: MachineState): string {
  if (gpus === null) return notMeasured;
  return gpus
    .map(({ utilisation, temperature, powerWatts }) =>
      [withUnit(utilisation, '%'), withUnit(temperature, ' °C'), withUnit(powerWatts, ' W')].join(', '),
    )
    .join('; ');
}

const withUnit = (value: number | null, unit: string): string =>
  value === null ? notMeasured : `${Math.round(value)}${unit}`;

/** The fullest context beside the size of the window: `28,672 of 32,768 tokens (87.5%)`. */
export function contextText({ peak, limit }: MachineState['context']): string {
  if (peak === null) return notMeasured;
  if (limit === null) return `${formatInteger(peak)} tokens`;
  return `${formatInteger(peak)} of ${formatInteger(limit)} tokens (${formatPercent(peak / limit)})`;
}

/** A text that begins with a sum of tokens, marked as a lower limit where some attempts were not counted. */
export const minimumText = ({ uncounted }: TokenCounts, text: string): string =>
  uncounted === 0 || text.startsWith(notMeasured) ? text : `at least ${text}`;

/** What a rate of prompt tokens is of. */
export const promptWords = (includesCached: boolean): string => (includesCached ? 'with cached ones' : 'computed');

const difference = (all: number | null, answered: number | null): number =>
  all === null || answered === null ? 0 : all - answered;

/** A row with the tokens of attempts without an accepted answer; none where every first attempt was accepted. */
export function failedRows(tokens: TokenCounts): string[][] {
  const { prompt, completion, answered, uncounted } = tokens;
  const failedPrompt = difference(prompt, answered.prompt);
  const failedCompletion = difference(completion, answered.completion);
  if (failedPrompt + failedCompletion + uncounted === 0) return [];
  const counted = `${formatInteger(failedPrompt)} prompt, ${formatInteger(failedCompletion)} completion`;
  const attempts = `${formatInteger(uncounted)} ${uncounted === 1 ? 'attempt' : 'attempts'}`;
  const parts = [
    failedPrompt + failedCompletion === 0 ? '' : counted,
    uncounted === 0 ? '' : `${attempts} not counted`,
  ];
  return [['failed', parts.filter((part) => part !== '').join('; ')]];
}
