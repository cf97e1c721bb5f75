import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { isRunning, readProcessStat } from './proc.ts';

/** Names one process of one machine, for as long as anybody may ask. */
export interface ProcessIdentity {
  pid: number;
  /** Start of the process, in clock ticks since boot: tells it from a later one with the same pid. Null off Linux. */
  startTicks: number | null;
  /** The machine's id, or its host name where it has none. */
  machine: string;
  host: string;
  /** Changes with every boot. Null off Linux. */
  boot: string | null;
  /** Pids mean something only within one namespace. Null off Linux. */
  pidNamespace: string | null;
}

export async function identifyThisProcess(): Promise<ProcessIdentity> {
  return {
    pid: process.pid,
    startTicks: await readStartTicks(process.pid),
    machine: (await readText('/etc/machine-id')) ?? hostname(),
    host: hostname(),
    boot: await readText('/proc/sys/kernel/random/boot_id'),
    pidNamespace: await readlink('/proc/self/ns/pid').catch(() => null),
  };
}

/** unseen: another container of this machine · elsewhere: another machine. Of neither can we see the processes. */
export type Liveness = 'alive' | 'dead' | 'unseen' | 'elsewhere';

export async function livenessOf(other: ProcessIdentity): Promise<Liveness> {
  const self = await identifyThisProcess();
  // Both names must agree: copies of one disk image share the machine's id.
  const isSameMachine = other.machine === self.machine && other.host === self.host;
  if (other.boot !== self.boot) return isSameMachine ? 'dead' : 'elsewhere';
  if (other.boot === null && other.host !== self.host) return 'elsewhere';
  if (other.pidNamespace !== self.pidNamespace) return 'unseen';
  if (self.startTicks === null) return isRunning(other.pid) ? 'alive' : 'dead';
  return (await readStartTicks(other.pid)) === other.startTicks ? 'alive' : 'dead';
}

/** Start of a process, in clock ticks; null for one that does not exist, or is dead and only not yet reaped. */
async function readStartTicks(pid: number): Promise<number | null> {
  const stat = await readProcessStat(pid);
  return stat === null || stat.state === 'Z' || stat.state === 'X' ? null : stat.startTicks;
}

async function readText(path: string): Promise<string | null> {
  try {
    return (await readFile(path, 'utf8')).trim() || null;
  } catch {
    return null;
  }
}
