import { readFile } from 'node:fs/promises';

/**
 * Watches how much of the machine's memory is swapped out, in bytes, until the signal. From Linux' /proc/meminfo; elsewhere
 * it is not measured. Never keeps the process alive.
 */
export function watchSwap(
  onSample: (swapBytes: number, atMs: number) => void,
  { signal, intervalMs = 2000 }: { signal: AbortSignal; intervalMs?: number },
): void {
  if (signal.aborted) return;
  const sample = async (): Promise<void> => {
    const used = parseSwap(await readFile('/proc/meminfo', 'utf8').catch(() => ''));
    if (used !== null && !signal.aborted) onSample(used, Date.now());
  };
  void sample();
  const timer = setInterval(() => void sample(), intervalMs).unref();
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}

/** Null where the text says nothing of swap. */
export function parseSwap(meminfo: string): number | null {
  const kibibytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(meminfo)?.[1]);
  const used = kibibytes('SwapTotal') - kibibytes('SwapFree');
  return Number.isNaN(used) ? null : used * 1024;
}
