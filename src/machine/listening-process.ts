import { readFile, readdir, readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import { listProcesses, readProcFile, readProcessStat } from './proc.ts';

/** A server on this machine, as the system shows it. Only on Linux, and only to its owner or root. */
export interface ServerProcess {
  pid: number;
  /**
   * The environment that it was started with. Null where the program is not one of those that were looked for: what
   * listens may be a tunnel or a container's proxy, whose environment says nothing about the server behind it.
   */
  environment: Record<string, string> | null;
}

/** Finds the process that listens on a port, and reads its environment where its program is the one wanted; null where it can't be seen. */
export async function findServer(port: number, program: RegExp): Promise<ServerProcess | null> {
  const sockets = await listeningSockets(port);
  if (sockets.size === 0) return null;
  for (const pid of await listProcesses()) {
    if (!(await hasSocket(pid, sockets))) continue;
    return { pid, environment: program.test(programIn(await commandOf(pid))) ? await environmentOf(pid) : null };
  }
  return null;
}

/** A child of a process, and the words of its command line. */
export interface ChildProcessFound {
  pid: number;
  words: string[];
}

/**
 * Finds the child of a process that runs a program of this name and has this text in one of its arguments; null where there is
 * none, or where several are such.
 */
export async function findChild(
  parentPid: number,
  { program, argument }: { program: RegExp; argument: string },
): Promise<ChildProcessFound | null> {
  const found: ChildProcessFound[] = [];
  for (const pid of await listProcesses()) {
    if ((await readProcessStat(pid))?.parentPid !== parentPid) continue;
    const words = await commandOf(pid);
    if (program.test(programIn(words)) && words.some((word) => word.includes(argument))) found.push({ pid, words });
  }
  return found.length === 1 ? found[0]! : null;
}

/** Does anything listen on the port at an address that other machines may reach? False where it can't be seen. */
export async function isOpenToOthers(port: number): Promise<boolean> {
  // 127.0.0.1 as IPv4, as IPv6, and ::1: each 32 bits in the order of this machine's bytes.
  const loopback = /^(.{6}7F|0{16}F{4}0{4}.{6}7F|0{24}01000000)$/;
  return (await listeners(port)).some(({ address }) => !loopback.test(address));
}

/** The inodes of the sockets that listen on the port. */
const listeningSockets = async (port: number): Promise<Set<string>> =>
  new Set((await listeners(port)).map(({ inode }) => `socket:[${inode}]`));

const listening = '0A';

async function listeners(port: number): Promise<{ address: string; inode: string }[]> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map(readText));
  const rows = tables.flatMap((table) => table.split('\n').map((row) => row.trim().split(/\s+/)));
  return rows.flatMap(([, local = '', , state, , , , , , inode]) => {
    const [address = '', localPort] = local.split(':');
    return state === listening && localPort === hex && inode !== undefined ? [{ address, inode }] : [];
  });
}

async function hasSocket(pid: number, sockets: ReadonlySet<string>): Promise<boolean> {
  const names = await readdir(`/proc/${pid}/fd`).catch(() => []);
  for (const name of names) {
    if (sockets.has(await readlink(`/proc/${pid}/fd/${name}`).catch(() => ''))) return true;
  }
  return false;
}

const commandOf = async (pid: number): Promise<string[]> => (await readProcFile(pid, 'cmdline')).split('\0');

/** The name of the program that a command line runs, without its folder. */
const programIn = ([program = '']: readonly string[]): string => basename(program);

const environmentOf = async (pid: number): Promise<Record<string, string>> =>
  Object.fromEntries((await readProcFile(pid, 'environ')).split('\0').map(splitVariable));

const readText = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');

function splitVariable(text: string): [string, string] {
  const at = text.indexOf('=');
  return [text.slice(0, at), text.slice(at + 1)];
}
