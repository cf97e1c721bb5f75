import type { GpuSample } from '../core/measurements.ts';
import type { Readable } from 'node:stream';
import type { Emit } from '../core/events.ts';
import { readAmdGpus } from './amd-gpus.ts';
import { type GpuField, queryArguments, readGpuLine } from './nvidia-smi.ts';

const basicFields = ['usedBytes', 'totalBytes', 'utilisation', 'temperature', 'powerWatts'] as const;
const clockFields = [...basicFields, 'clockMhz', 'maxClockMhz', 'clockReasons'] as const;
/** The queries, from the longest to the shortest: a driver refuses a whole query for one field that it does not know. */
const queries: readonly (readonly GpuField[])[] = [
  clockFields,
  // The name of the last field before driver 535.
  [...clockFields.slice(0, -1), 'throttleReasons'],
  basicFields,
];
/** The lines of one tick, one for each GPU, come within this time of each other, in milliseconds. */
const tickMs = 200;

/** Time between two samples, in milliseconds. */
const sampleMs = 2000;

/**
 * Emits a `gpu-sample` every two seconds until the signal: of NVIDIA's GPUs from one long-lived `nvidia-smi`, where that is not
 * there of AMD's from the files of their driver. No GPU, no driver and a driver that fails are normal cases: then nothing is
 * emitted. Never keeps this process alive.
 */
export function watchGpus(emit: Emit, { signal, amdFolder }: { signal: AbortSignal; amdFolder?: string }): void {
  const onTick = (gpus: GpuSample[]): void => void (signal.aborted || emit({ type: 'gpu-sample', gpus }));
  void watchWith(queries, onTick, signal).then(async (isThere) => {
    if (!isThere) await watchAmdGpus(onTick, { signal, amdFolder });
  });
}

async function watchAmdGpus(
  onTick: OnTick,
  { signal, amdFolder }: { signal: AbortSignal; amdFolder: string | undefined },
): Promise<void> {
  const gpus = (await readAmdGpus(amdFolder)).map(
    ({ usedBytes, totalBytes, utilisation, temperature, powerWatts }) => ({
      usedBytes,
      totalBytes,
      utilisation,
      temperature,
      powerWatts,
    }),
  );
  if (gpus.length === 0 || signal.aborted) return;
  onTick(gpus);
  setTimeout(() => void watchAmdGpus(onTick, { signal, amdFolder }), sampleMs).unref();
}

type OnTick = (gpus: GpuSample[]) => void;

/** Resolves when the watch has ended: to false where there is no `nvidia-smi`. */
async function watchWith(
  [query, ...others]: readonly (readonly GpuField[])[],
  onTick: OnTick,
  signal: AbortSignal,
): Promise<boolean> {
  const { execa } = await import('execa');
  if (query === undefined || signal.aborted) return true;
  const child = execa('nvidia-smi', [...queryArguments(query), '-lms', String(sampleMs)], {
    cancelSignal: signal,
    // A child that is left behind by a kill -9 of ours ends at its next line, by the closed pipe.
    stdio: ['ignore', 'pipe', 'ignore'],
    buffer: false,
    reject: false,
  });
  child.unref();
  // In a process that is about to end, nobody waits for the next query.
  readTicks(child.stdout, { onTick, onRefusal: () => void watchWith(others, onTick, signal) });
  const { code } = await child;
  return code !== 'ENOENT';
}

interface Listeners {
  onTick: OnTick;
  /** The driver does not know a field of the query. */
  onRefusal: () => void;
}

function readTicks(stdout: Readable & { unref?: () => void }, { onTick, onRefusal }: Listeners): void {
  let rest = '';
  let gpus: GpuSample[] = [];
  const endTick = (): void => {
    if (gpus.length > 0) onTick(gpus);
    gpus = [];
  };
  const tickEnd = setTimeout(endTick, tickMs).unref();
  stdout.unref?.();
  stdout.setEncoding('utf8');
  stdout.on('error', () => {});
  stdout.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    if (lines.some(isRefusal)) onRefusal();
    gpus.push(...lines.map(parseGpuLine).filter((gpu) => gpu !== null));
    tickEnd.refresh();
  });
}

/** `Field "clocks_event_reasons.active" is not a valid field to query.` */
const isRefusal = (line: string): boolean => line.includes('not a valid field');

/** Bits of NVML's clock event reasons that slow a GPU down for power (4, 8, 0x80) or heat (8, 0x20, 0x40). */
const throttleBits = 0x04 | 0x08 | 0x20 | 0x40 | 0x80;

/**
 * Reads a line of one tick: `1024, 16376, 97, 61, 212.40` is MiB, MiB, percent, degrees Celsius, watts; three cells more,
 * as in `2310, 3105, 0x0000000000000020`, are the clock in MHz, its maximum, and why it is not higher. Null where the line is a message.
 */
export function parseGpuLine(line: string): GpuSample | null {
  const basic = readGpuLine(line, basicFields);
  if (basic !== null) return basic;
  const withClock = readGpuLine(line, clockFields);
  if (withClock === null) return null;
  const { clockReasons: reasons, ...sample } = withClock;
  return { ...sample, isThrottled: reasons === null ? null : (reasons & throttleBits) !== 0 };
}
