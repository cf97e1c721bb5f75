import { performance } from 'node:perf_hooks';

/** What this process uses. */
export interface OwnUse {
  /** CPU of all its threads, in percent of one core. */
  cpuPercent: number;
  /** Share of the time that its event loop was busy, 0 to 1. */
  loopBusy: number;
  /** Resident memory, in bytes. */
  memoryBytes: number;
}

/**
 * Watches this process until the signal, a sample a second: CPU of all its threads in percent of one core and the share of
 * the time that its event loop was busy, both since the sample before, and resident bytes. Never keeps the process alive.
 */
export function watchClient(
  onSample: (use: OwnUse, atMs: number) => void,
  { signal, intervalMs = 1000 }: { signal: AbortSignal; intervalMs?: number },
): void {
  if (signal.aborted) return;
  let last = readUse();
  const timer = setInterval(() => {
    const now = readUse();
    const cpuMs = (now.cpu.user + now.cpu.system - last.cpu.user - last.cpu.system) / 1000;
    const use = {
      cpuPercent: (cpuMs / (now.atMs - last.atMs)) * 100,
      loopBusy: performance.eventLoopUtilization(now.loop, last.loop).utilization,
      memoryBytes: process.memoryUsage.rss(),
    };
    last = now;
    onSample(use, Date.now());
  }, intervalMs).unref();
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}

const readUse = () => ({
  cpu: process.cpuUsage(),
  loop: performance.eventLoopUtilization(),
  atMs: performance.now(),
});
