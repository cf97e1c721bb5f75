import { readFile, readdir } from 'node:fs/promises';
import { codeOf } from '../core/errors.ts';

/** What Linux' `/proc/<pid>/stat` says of a process. */
export interface ProcessStat {
  /** State of the process, one letter: R is running, S sleeping, Z a zombie that is dead and not yet reaped, X dead. */
  state: string;
  /** Process id of the parent. */
  parentPid: number;
  /** CPU time in user and kernel mode since the process began, in clock ticks. */
  cpuTicks: number;
  /** Start of the process, in clock ticks since boot: tells it from a later one with the same pid. */
  startTicks: number;
}

/** Reads `/proc/<pid>/stat`; null where there is no such process, and on systems without /proc. */
export async function readProcessStat(pid: number): Promise<ProcessStat | null> {
  const text = await readProcFile(pid, 'stat');
  return text === '' ? null : parseProcessStat(text);
}

/** Parses the line of `/proc/<pid>/stat` (proc(5)). */
export function parseProcessStat(line: string): ProcessStat {
  // Field 2, the name in parentheses, may hold spaces and parentheses; the fields after it are counted from 3.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3]);
  return { state: fields[0] ?? '', parentPid: field(4), cpuTicks: field(14) + field(15), startTicks: field(22) };
}

/** The text of a file in `/proc/<pid>/`; empty where it can't be read. */
export const readProcFile = (pid: number, name: string): Promise<string> =>
  readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '');

/** The ids of all processes that this one can see; none on systems without /proc. */
export const listProcesses = async (): Promise<number[]> =>
  (await readdir('/proc').catch(() => [])).map(Number).filter((pid) => Number.isInteger(pid));

/** Says whether a process exists, on any system; one that is dead and not yet reaped does. */
export function isRunning(pid: number): boolean {
  // Signal 0 to pid 0 goes to our own group.
  if (pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's process can't be signalled.
    return codeOf(error) === 'EPERM';
  }
}
