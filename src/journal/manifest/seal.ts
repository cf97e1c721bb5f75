import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { link, lstat, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { draftPathOf } from '../../files/replace-file.ts';
import { makeFolder } from '../../files/make-folder.ts';
import { stateFolder } from './run-folder.ts';

const keyBytes = 32;

/**
 * Reads the key that marks manifests as this user's own, and makes it at its first use. A manifest says which program
 * is started and where requests are sent, and any user may put one into a folder. Unlike a list of paths, a seal holds
 * wherever the run is moved. Null where the state folder can't be written: then no manifest counts as the user's own.
 */
export async function openSealKey(environment: NodeJS.ProcessEnv): Promise<Buffer | null> {
  const path = join(stateFolder(environment), 'seal.key');
  try {
    return (await readKey(path)) ?? (await makeKey(path));
  } catch {
    return null;
  }
}

async function readKey(path: string): Promise<Buffer | null> {
  const found = await lstat(path).catch(() => null);
  if (found === null) return null;
  if (!found.isFile()) throw new Error('not a file');
  const key = await readFile(path);
  if (key.length !== keyBytes) throw new Error('not a key');
  return key;
}

/** Creates the key whole or not at all, because two runs that start at the same time must get the same one. */
async function makeKey(path: string): Promise<Buffer | null> {
  await makeFolder(dirname(path), 0o700);
  const draft = draftPathOf(path);
  try {
    await writeFile(draft, randomBytes(keyBytes), { flag: 'wx', mode: 0o600, flush: true });
    await link(draft, path).catch(() => undefined);
  } finally {
    await rm(draft, { force: true });
  }
  return readKey(path);
}

/** The seal of a manifest's text: its HMAC-SHA-256 by the key, in hexadecimal. */
export const sealOf = (text: string, key: Buffer): string => createHmac('sha256', key).update(text).digest('hex');

/** Whether a value is the seal of a text, compared in constant time. */
export function isSealOf(seal: unknown, text: string, key: Buffer): boolean {
  const [given, right] = [Buffer.from(String(seal)), Buffer.from(sealOf(text, key))];
  return given.length === right.length && timingSafeEqual(given, right);
}
