import { cp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CliFolder, createCliFolder } from './run-cli.ts';

const kept = fileURLToPath(new URL('../../fixtures/version-1', import.meta.url));

/**
 * A folder with kept files of format version 1, laid out with its state folder as after a move. Without the key that its
 * manifest was sealed with, it is a run that somebody else started.
 */
export async function version1Folder(name: string, { isOwn = true } = {}): Promise<CliFolder> {
  const folder = await createCliFolder();
  const root = dirname(folder.path);
  await cp(join(kept, name), root, { recursive: true });
  if (!isOwn) await rm(join(root, 'state', 'llmbatch', 'seal.key'));
  return folder;
}
