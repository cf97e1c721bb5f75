import { randomUUID } from 'node:crypto';
import { type FileHandle, lstat, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { LlmbatchError } from '../core/errors.ts';
import { toJournalError } from './write-group.ts';

/** Rights of the file that a draft replaces: the new file must not be readable by more users than the old one. */
export interface FileRights {
  mode: number;
  uid?: number;
  gid?: number;
}

/**
 * Replaces a file as a whole: at any moment it is either the old one or the new one. The draft has a random name, so
 * that no file or link can lie there before, and `removeDrafts` finds one that a crash left. With `rights` null it has
 * the rights of any new file. Throws a `JournalError` where it can't be written.
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
/**
 * Names of drafts, those of the files that `--overwrite` keeps aside and of the lock included: a process that is still
 * making one of them makes another.
 */
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

/** Puts the bytes of a file on disk that others have written. */
export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A new or renamed file is safe only once its folder's entry is on disk. */
export async function syncFolder(path: string): Promise<void> {
  // Windows can't open folders; its file systems journal the entry.
  const folder = await open(path, 'r').catch(() => null);
  await folder?.sync().catch(() => undefined);
  await folder?.close();
}
