import { readdir } from 'node:fs/promises';
import type { Emit } from '../core/events.ts';
import { readProcFile, readProcessStat } from './proc.ts';

/** CPU seconds used since the process began, and resident memory. */
export interface ProcessUse {
  cpuSeconds: number;
  memoryBytes: number;
}

/**
 * Emits a `process-sample` every two seconds: CPU in percent of one core since the sample before, and resident bytes.
 * A process that is not there, or gone, is a normal case. Never keeps this process alive.
 */
export function watchProcess(
  pid: () => number | null,
  emit: Emit,
  { signal, intervalMs = 2000 }: { signal: AbortSignal; intervalMs?: number },
): void {
  if (signal.aborted) return;
  let last: (ProcessUse & { pid: number; atMs: number }) | null = null;

  const sample = async (): Promise<void> => {
    const current = pid();
    const use = current === null ? null : await readProcess(current);
    if (current === null || use === null || signal.aborted) {
      last = null;
      return;
    }
    const atMs = performance.now();
    if (last?.pid === current) {
      // A child that ended takes its time with it.
      const cpuPercent = (Math.max(0, use.cpuSeconds - last.cpuSeconds) / (atMs - last.atMs)) * 100_000;
      emit({ type: 'process-sample', cpuPercent, memoryBytes: use.memoryBytes });
    }
    last = { ...use, pid: current, atMs };
  };

  void sample();
  const timer = setInterval(() => void sample(), intervalMs).unref();
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}

const readProcess = process.platform === 'linux' ? readProcTree : readPs;

/** The kernel counts CPU time for user space in hundredths of a second, whatever its own tick is. */
const ticksPerSecond = 100;

/** CPU time and memory of a process and all that it started, since an engine may be several processes; null where there is no such process. */
export async function readProcTree(pid: number): Promise<ProcessUse | null> {
  const own = await readProcFolder(pid);
  if (own === null) return null;
  const parts = await Promise.all((await childrenOf(pid)).map((child) => readProcTree(child)));
  return parts.reduce<ProcessUse>(
    (sum, part) => ({
      cpuSeconds: sum.cpuSeconds + (part?.cpuSeconds ?? 0),
      memoryBytes: sum.memoryBytes + (part?.memoryBytes ?? 0),
    }),
    own,
  );
}

async function childrenOf(pid: number): Promise<number[]> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const lists = await Promise.all(threads.map((thread) => readProcFile(pid, `task/${thread}/children`)));
  return lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number));
}

/** CPU time and memory of one process, as /proc shows them; null where there is no such process. */
export async function readProcFolder(pid: number): Promise<ProcessUse | null> {
  const [stat, status] = await Promise.all([readProcessStat(pid), readProcFile(pid, 'status')]);
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  // A zombie has no memory any more.
  if (stat === null || kibibytes === undefined) return null;
  return { cpuSeconds: stat.cpuTicks / ticksPerSecond, memoryBytes: Number(kibibytes) * 1024 };
}

/** CPU time and memory of one process by `ps`, for macOS and the BSDs; null where there is no such process, or no `ps`. */
export async function readPs(pid: number): Promise<ProcessUse | null> {
  const { execa } = await import('execa');
  const { stdout } = await execa('ps', ['-o', 'rss=,time=', '-p', String(pid)], { reject: false, timeout: 5000 });
  const [kibibytes, time] = stdout.trim().split(/\s+/);
  if (kibibytes === undefined || time === undefined) return null;
  return { cpuSeconds: parsePsTime(time), memoryBytes: Number(kibibytes) * 1024 };
}

/** Reads a time of `ps`, `[[days-]hours:]minutes:seconds[.hundredths]`, in seconds. */
export function parsePsTime(text: string): number {
  const [clock = '', days = '0'] = text.split('-').toReversed();
  const seconds = clock.split(':').reduce((total, part) => total * 60 + Number(part), 0);
  return Number(days) * 86_400 + seconds;
}
