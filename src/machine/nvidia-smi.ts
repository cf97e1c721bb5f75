/** What `nvidia-smi` can be asked of a GPU: its name for the field, and how a cell of its answer is read. */
const fields = {
  name: { query: 'name', read: (cell: string): string => cell },
  driver: { query: 'driver_version', read: (cell: string): string => cell },
  totalBytes: { query: 'memory.total', read: readMebibytes },
  usedBytes: { query: 'memory.used', read: readMebibytes },
  freeBytes: { query: 'memory.free', read: readMebibytes },
  /** Percent of the time in which a kernel ran. */
  utilisation: { query: 'utilization.gpu', read: readNumber },
  /** Degrees Celsius. */
  temperature: { query: 'temperature.gpu', read: readNumber },
  powerWatts: { query: 'power.draw', read: readNumber },
  clockMhz: { query: 'clocks.sm', read: readNumber },
  maxClockMhz: { query: 'clocks.max.sm', read: readNumber },
  /** NVML's bits that say why the clock is not higher; the field's name since driver 535. */
  clockReasons: { query: 'clocks_event_reasons.active', read: readNumber },
  /** The same bits by the field's name before driver 535. */
  throttleReasons: { query: 'clocks_throttle_reasons.active', read: readNumber },
};

/** A field of a GPU, by our name for it. */
export type GpuField = keyof typeof fields;

/** The values of a GPU's fields; null where the driver says `[N/A]`, `[Not Supported]`, `[Unknown Error]` and the like. */
type GpuValues<Field extends GpuField> = { [Name in Field]: ReturnType<(typeof fields)[Name]['read']> };

/** The arguments with which `nvidia-smi` prints one line of these fields for each GPU. */
export const queryArguments = (names: readonly GpuField[]): string[] => [
  `--query-gpu=${names.map((name) => fields[name].query).join(',')}`,
  '--format=csv,noheader,nounits',
];

/**
 * Reads a line of such an answer: `NVIDIA GeForce RTX 4080, 560.35.03, 16376, 1024, 15352`. Null where it has another number
 * of cells, and so is a message.
 */
export function readGpuLine<Field extends GpuField>(line: string, names: readonly Field[]): GpuValues<Field> | null {
  const cells = line.split(',').map((cell) => cell.trim());
  if (cells.length !== names.length) return null;
  return Object.fromEntries(
    names.map((name, index) => [name, fields[name].read(cells[index] ?? '')]),
  ) as GpuValues<Field>;
}

function readNumber(cell: string): number | null {
  const value = Number(cell);
  return cell === '' || Number.isNaN(value) ? null : value;
}

/** `nvidia-smi` counts memory in MiB. */
function readMebibytes(cell: string): number | null {
  const mebibytes = readNumber(cell);
  return mebibytes === null ? null : mebibytes * 1024 ** 2;
}
