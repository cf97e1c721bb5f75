import type { Readable } from 'node:stream';
import type { Emit, GpuSample } from '../core/events.ts';

const fields = ['memory.used', 'memory.total', 'utilization.gpu', 'temperature.gpu', 'power.draw'];
const query = [`--query-gpu=${fields.join(',')}`, '--format=csv,noheader,nounits', '-lms', '2000'];
/** The lines of one tick, one a GPU, come within this time of each other. */
const tickMs = 200;
const mebibyte = 1024 ** 2;

/**
 * Emits a `gpu-sample` every two seconds, from one long-lived `nvidia-smi`, until the signal. No GPU, no driver and a
 * driver that fails are normal cases: then nothing is emitted. Never keeps this process alive.
 */
export function watchGpus(emit: Emit, { signal }: { signal: AbortSignal }): void {
  void startNvidiaSmi(signal).then(
    (stdout) => stdout && readTicks(stdout, (gpus) => signal.aborted || emit({ type: 'gpu-sample', gpus })),
  );
}

async function startNvidiaSmi(signal: AbortSignal): Promise<Readable | null> {
  const { execa } = await import('execa');
  if (signal.aborted) return null;
  const child = execa('nvidia-smi', query, {
    cancelSignal: signal,
    // A child that is left behind by a kill -9 of ours ends at its next line, by the closed pipe.
    stdio: ['ignore', 'pipe', 'ignore'],
    buffer: false,
    reject: false,
  });
  child.unref();
  return child.stdout;
}

function readTicks(stdout: Readable & { unref?: () => void }, onTick: (gpus: GpuSample[]) => void): void {
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
    gpus.push(...lines.map(parseGpuLine).filter((gpu) => gpu !== null));
    tickEnd.refresh();
  });
}

/** `1024, 16376, 97, 61, 212.40`: MiB, MiB, percent, degrees Celsius, watts. Null where the line is a message. */
export function parseGpuLine(line: string): GpuSample | null {
  const cells = line.split(',');
  if (cells.length !== fields.length) return null;
  const [used, total, utilisation, temperature, powerWatts] = cells.map(parseCell);
  return {
    usedBytes: toBytes(used),
    totalBytes: toBytes(total),
    utilisation: utilisation ?? null,
    temperature: temperature ?? null,
    powerWatts: powerWatts ?? null,
  };
}

/** `[N/A]`, `[Not Supported]`, `[Unknown Error]` and the like are null. */
function parseCell(cell: string): number | null {
  const text = cell.trim();
  const value = Number(text);
  return text === '' || Number.isNaN(value) ? null : value;
}

const toBytes = (mebibytes: number | null | undefined): number | null =>
  mebibytes === null || mebibytes === undefined ? null : mebibytes * mebibyte;
