import { performance } from 'node:perf_hooks';

/** What this process uses: percent of one core, busy share of its event loop (0 to 1), resident bytes. */
export interface OwnUse {
  cpu_percent: number;
  loop_busy: number;
  memory_bytes: number;
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
      cpu_percent: (cpuMs / (now.atMs - last.atMs)) * 100,
      loop_busy: performance.eventLoopUtilization(now.loop, last.loop).utilization,
      memory_bytes: process.memoryUsage.rss(),
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
