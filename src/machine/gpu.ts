import type { GpuSample } from '../core/measurements.ts';
import type { Readable } from 'node:stream';
import type { Emit } from '../core/events.ts';

const fields = ['memory.used', 'memory.total', 'utilization.gpu', 'temperature.gpu', 'power.draw'];
const clockFields = ['clocks.sm', 'clocks.max.sm'];
/** What can be asked for, the most first: a driver refuses a whole query for one field that it does not know. */
const queries = [
  // The name since driver 535, and before.
  [...fields, ...clockFields, 'clocks_event_reasons.active'],
  [...fields, ...clockFields, 'clocks_throttle_reasons.active'],
  fields,
];
/** The lines of one tick, one a GPU, come within this time of each other. */
const tickMs = 200;

/**
 * Emits a `gpu-sample` every two seconds, from one long-lived `nvidia-smi`, until the signal. No GPU, no driver and a
 * driver that fails are normal cases: then nothing is emitted. Never keeps this process alive.
 */
export function watchGpus(emit: Emit, { signal }: { signal: AbortSignal }): void {
  void watchWith(queries, (gpus) => signal.aborted || emit({ type: 'gpu-sample', gpus }), signal);
}

type OnTick = (gpus: GpuSample[]) => void;

async function watchWith([query, ...others]: string[][], onTick: OnTick, signal: AbortSignal): Promise<void> {
  const { execa } = await import('execa');
  if (query === undefined || signal.aborted) return;
  const child = execa(
    'nvidia-smi',
    [`--query-gpu=${query.join(',')}`, '--format=csv,noheader,nounits', '-lms', '2000'],
    {
      cancelSignal: signal,
      // A child that is left behind by a kill -9 of ours ends at its next line, by the closed pipe.
      stdio: ['ignore', 'pipe', 'ignore'],
      buffer: false,
      reject: false,
    },
  );
  child.unref();
  // In a process that is about to end, nobody waits for the next query.
  readTicks(child.stdout, { onTick, onRefusal: () => void watchWith(others, onTick, signal) });
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

const mebibyte = 1024 ** 2;

/** Bits of NVML's clock event reasons that slow a GPU down for power (4, 8, 0x80) or heat (8, 0x20, 0x40). */
const throttleBits = 0x04 | 0x08 | 0x20 | 0x40 | 0x80;

/**
 * `1024, 16376, 97, 61, 212.40`: MiB, MiB, percent, degrees Celsius, watts; with three cells more, as in
 * `2310, 3105, 0x0000000000000020`, MHz, the most MHz and why it is not more. Null where the line is a message.
 */
export function parseGpuLine(line: string): GpuSample | null {
  const cells = line.split(',');
  if (cells.length !== 5 && cells.length !== 8) return null;
  const [used, total, utilisation, temperature, powerWatts, ...clocks] = cells.map(parseCell) as Cells;
  const sample = { usedBytes: toBytes(used), totalBytes: toBytes(total), utilisation, temperature, powerWatts };
  if (clocks.length === 0) return sample;
  const [clockMhz, mostClockMhz, reasons] = clocks;
  return { ...sample, clockMhz, mostClockMhz, isThrottled: reasons === null ? null : (reasons & throttleBits) !== 0 };
}

type Cell = number | null;
type Cells = [Cell, Cell, Cell, Cell, Cell, ...([] | [Cell, Cell, Cell])];

/** `[N/A]`, `[Not Supported]`, `[Unknown Error]` and the like are null. */
function parseCell(cell: string): number | null {
  const text = cell.trim();
  const value = Number(text);
  return text === '' || Number.isNaN(value) ? null : value;
}

const toBytes = (mebibytes: number | null): number | null => (mebibytes === null ? null : mebibytes * mebibyte);
