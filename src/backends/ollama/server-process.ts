import { readFile, readdir, readlink } from 'node:fs/promises';
import { basename } from 'node:path';

/** A server on this machine, as the system shows it. Only on Linux, and only to its owner or root. */
export interface ServerProcess {
  pid: number;
  /** What it was started with: the server's own settings are nowhere else to be seen. */
  environment: Record<string, string>;
}

/** The process that listens on a port; null where it can't be seen. */
export async function findServer(port: number): Promise<ServerProcess | null> {
  const sockets = await listeningSockets(port);
  if (sockets.size === 0) return null;
  for (const pid of await processes()) {
    if (!(await hasSocket(pid, sockets))) continue;
    const text = await readText(`/proc/${pid}/environ`);
    return { pid, environment: Object.fromEntries(text.split('\0').map(splitVariable)) };
  }
  return null;
}

/** The process that has a server's model loaded: its child; null where there is none. */
export async function findRunner(serverPid: number): Promise<number | null> {
  for (const pid of await processes()) {
    const stat = await readText(`/proc/${pid}/stat`);
    const [, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (Number(parent) !== serverPid) continue;
    const name = basename((await readText(`/proc/${pid}/cmdline`)).split('\0')[0] ?? '');
    if (/^(llama-server|ollama)/.test(name)) return pid;
  }
  return null;
}

const listening = '0A';

/** The inodes of the sockets that listen on the port. */
async function listeningSockets(port: number): Promise<Set<string>> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map(readText));
  const rows = tables.flatMap((table) => table.split('\n').map((row) => row.trim().split(/\s+/)));
  return new Set(
    rows.flatMap(([, address, , state, , , , , , inode]) =>
      state === listening && address?.endsWith(`:${hex}`) === true && inode !== undefined ? [`socket:[${inode}]`] : [],
    ),
  );
}

async function hasSocket(pid: number, sockets: ReadonlySet<string>): Promise<boolean> {
  const names = await readdir(`/proc/${pid}/fd`).catch(() => []);
  for (const name of names) {
    if (sockets.has(await readlink(`/proc/${pid}/fd/${name}`).catch(() => ''))) return true;
  }
  return false;
}

const processes = async (): Promise<number[]> =>
  (await readdir('/proc').catch(() => [])).map(Number).filter((pid) => Number.isInteger(pid));

const readText = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');

function splitVariable(text: string): [string, string] {
  const at = text.indexOf('=');
  return [text.slice(0, at), text.slice(at + 1)];
}
