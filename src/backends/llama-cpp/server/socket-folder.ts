import { lstat, mkdtemp, readFile, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isRecord } from '../../../data/is-record.ts';
import { type ProcessIdentity, identifyThisProcess, livenessOf } from '../../../machine/process-identity.ts';

/** Longest path of a socket: macOS takes 103 bytes, Linux 107. */
const maxSocketBytes = 103;

const prefix = 'llmbatch-llama-';
const socketName = 'llama.sock';
/** Names the process that the folder belongs to. */
const ownerName = 'owner.json';

/** Makes a folder that nobody else can enter, for a socket in it. Null where this system has none, or none so long. */
export async function makeSocket(): Promise<string | null> {
  if (process.platform === 'win32') return null;
  await removeDeadFolders();
  const folder = await mkdtemp(join(tmpdir(), prefix));
  const socket = join(folder, socketName);
  if (Buffer.byteLength(socket) > maxSocketBytes) {
    await rmdir(folder);
    return null;
  }
  await writeFile(join(folder, ownerName), JSON.stringify(await identifyThisProcess()));
  return socket;
}

/** Removes the folder of a socket. */
export async function freeSocket(socket: string | null): Promise<void> {
  if (socket !== null) await rm(dirname(socket), { recursive: true, force: true });
}

/** Removes the folders of processes that were killed. */
async function removeDeadFolders(): Promise<void> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(prefix));
  for (const name of names) await removeIfDead(join(tmpdir(), name)).catch(() => undefined);
}

/** Nothing but what we put there is removed, and no link is followed. Throws where it can't be removed. */
async function removeIfDead(folder: string): Promise<void> {
  const found = await lstat(folder);
  if (!found.isDirectory() || found.uid !== process.getuid?.()) return;
  const owner: unknown = JSON.parse(await readFile(join(folder, ownerName), 'utf8'));
  if (!isRecord(owner) || (await livenessOf(owner as unknown as ProcessIdentity)) !== 'dead') return;
  for (const name of [socketName, ownerName]) await rm(join(folder, name), { force: true });
  await rmdir(folder);
}
