import type { GpuSample } from '../core/events.ts';

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
