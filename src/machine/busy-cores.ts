import { cpus } from 'node:os';
import { sleep } from '../async/sleep.ts';

/** Cores that other programs kept busy over a moment, from 0 to their number; the load average would tell of a minute. */
export async function busyCores(signal: AbortSignal, momentMs = 200): Promise<number> {
  const before = readTimes();
  await sleep(momentMs, signal);
  const after = readTimes();
  const busyMs = after.busyMs - before.busyMs - (after.ownMs - before.ownMs);
  const coreMs = (after.allMs - before.allMs) / after.cores;
  return coreMs === 0 ? 0 : Math.max(0, busyMs / coreMs);
}

/** Times of all cores together, in milliseconds. */
function readTimes() {
  const own = process.cpuUsage();
  const times = cpus().map((core) => core.times);
  const allMs = times.reduce((sum, { user, nice, sys, idle, irq }) => sum + user + nice + sys + idle + irq, 0);
  const idleMs = times.reduce((sum, { idle }) => sum + idle, 0);
  return { cores: times.length, allMs, busyMs: allMs - idleMs, ownMs: (own.user + own.system) / 1000 };
}
