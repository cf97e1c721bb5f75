import { randomUUID } from 'node:crypto';
import { type FileHandle, lstat, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { LlmbatchError } from '../core/errors.ts';
import { toJournalError } from './write-group.ts';

/** Of the file that a draft takes the place of: nobody may read more of the new one than of it. */
export interface FileRights {
  mode: number;
  uid?: number;
  gid?: number;
}

/**
 * Replaces a file as a whole: at any moment it is either the old one or the new one. The draft has a name that nobody
 * could have laid a file or a link under, and `removeDrafts` knows one that a crash left. `rights` null: as any new file.
 */
export async function replaceFile<Result>(
  path: string,
  rights: FileRights | null,
  write: (draft: FileHandle) => Promise<Result>,
): Promise<Result> {
  const draft = draftPathOf(path);
  try {
    const handle = await open(draft, 'wx', (rights?.mode ?? 0o666) & 0o777);
    let result: Result;
    try {
      if (rights !== null) await copyRights(handle, rights);
      result = await write(handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, path);
    await syncFolder(dirname(path));
    return result;
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw error instanceof LlmbatchError ? error : toJournalError(error, path);
  }
}

export const draftPathOf = (path: string): string => `${path}.draft-${randomUUID()}`;

const uuid = '[\\da-f]{8}(?:-[\\da-f]{4}){3}-[\\da-f]{12}';
/** Also of what `--overwrite` keeps aside, and of the lock: who is still making one of these makes another. */
const draftName = new RegExp(
  `^(?:(?:\\.old(?:\\.\\d+)?)?(?:\\.run\\.json|\\.run\\.input)?\\.draft-|\\.lock\\.)${uuid}$`,
);

/** Removes drafts of an output and of its run's files that a crash left. Call with the lock held. */
export async function removeDrafts(outputPath: string): Promise<void> {
  const [folder, name] = [dirname(outputPath), basename(outputPath)];
  const names = await readdir(folder).catch(() => []);
  const drafts = names.filter((found) => found.startsWith(name) && draftName.test(found.slice(name.length)));
  for (const path of drafts.map((draft) => join(folder, draft))) {
    if ((await lstat(path).catch(() => null))?.isFile() === true)
      await rm(path, { force: true }).catch(() => undefined);
  }
}

/** The mode that was asked for at the opening is what the umask leaves of it. Only root can give a file away. */
async function copyRights(handle: FileHandle, { mode, uid, gid }: FileRights): Promise<void> {
  if (uid !== undefined && gid !== undefined) await handle.chown(uid, gid).catch(() => undefined);
  await handle.chmod(mode & 0o777).catch(() => undefined);
}

/** A new or renamed file is safe only once its folder's entry is on disk. */
export async function syncFolder(path: string): Promise<void> {
  // Windows can't open folders; its file systems journal the entry.
  const folder = await open(path, 'r').catch(() => null);
  await folder?.sync().catch(() => undefined);
  await folder?.close();
}
