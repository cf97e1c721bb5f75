import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { codeOf } from '../core/errors.ts';

/**
 * Makes a folder, and those above it. Resolves to the first one that it made, or undefined where all were there. Step
 * by step: Node's own recursive `mkdir` spins for ever where a file system says ENOENT to every new folder (/proc).
 */
export async function makeFolder(path: string, mode = 0o777): Promise<string | undefined> {
  const folder = resolve(path);
  if (await makeOne(folder, mode)) return folder;
  if (await isFolder(folder)) return undefined;
  const above = dirname(folder);
  const first = above === folder ? undefined : await makeFolder(above, mode);
  // Another process may have made it meanwhile; any other failure is told as the system says it.
  await mkdir(folder, { mode }).catch(async (error: unknown) => {
    if (codeOf(error) !== 'EEXIST' || !(await isFolder(folder))) throw error;
  });
  return first ?? folder;
}

/** Makes one folder; resolves to false where a folder above is missing, or something has this name already. */
async function makeOne(folder: string, mode: number): Promise<boolean> {
  try {
    await mkdir(folder, { mode });
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'EEXIST') return false;
    // A read-only file system says so of folders that are there, too.
    if (await isFolder(folder)) return false;
    throw error;
  }
}

const isFolder = async (path: string): Promise<boolean> => (await stat(path).catch(() => null))?.isDirectory() === true;
