import { type FileHandle, stat } from 'node:fs/promises';
import { JournalError, codeOf, systemReason } from '../core/errors.ts';

export interface GroupTarget {
  path: string;
  handle: FileHandle;
  fsync: boolean;
}

/**
 * Writes whole lines at the end of the file, all of them or none, and syncs them. `size` is what the file must have:
 * a file deleted, replaced or cut under the run would take the results with it, so it ends the run.
 */
export async function writeGroup({ path, handle, fsync }: GroupTarget, bytes: Buffer, size: number): Promise<void> {
  try {
    await checkUnchanged(path, handle, size);
    await writeWhole(handle, bytes, size);
    if (fsync) await handle.datasync();
  } catch (error) {
    throw toJournalError(error, path);
  }
}

async function checkUnchanged(path: string, handle: FileHandle, size: number): Promise<void> {
  const ours = await handle.stat();
  const named = await stat(path).catch(() => null);
  if (named === null || named.ino !== ours.ino || named.dev !== ours.dev) {
    throw new JournalError(`${path} was deleted or replaced while the run was writing it`);
  }
  if (ours.size !== size) throw new JournalError(`${path} was changed by another program while the run was writing it`);
}

/** Node writes no 2 GB in one call. */
const maxAtOnce = 1024 * 1024 * 1024;

async function writeWhole(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  try {
    let done = 0;
    while (done < bytes.length) {
      const length = Math.min(bytes.length - done, maxAtOnce);
      const { bytesWritten } = await handle.write(bytes, done, length, position + done);
      done += bytesWritten;
    }
  } catch (error) {
    await handle.truncate(position).catch(() => undefined);
    throw error;
  }
}

export function toJournalError(error: unknown, path: string): JournalError {
  if (error instanceof JournalError) return error;
  return isDiskFull(error)
    ? new JournalError(`no space left on the disk of ${path}`, 'Make room, then give the same command again.', error)
    : new JournalError(`can't write ${path}: ${systemReason(error)}`, undefined, error);
}

export const isDiskFull = (error: unknown): boolean => codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT';
