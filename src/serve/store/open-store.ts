import { join } from 'node:path';
import type { Notify } from '../../core/events.ts';
import { makeFolder } from '../../files/make-folder.ts';
import { toJournalError } from '../../files/write-group.ts';
import { type Lock, acquireLock } from '../../journal/lock.ts';
import { openBatchStore } from './batch-store.ts';
import { openFileStore } from './file-store.ts';
import { openPauseFile } from './pause-file.ts';
import type { Store } from './store.ts';

/**
 * Opens the folder that a server keeps its files and batches in, and makes it where there is none. `notify` is told of what can't
 * be read. Throws a `JournalError` where another server has the folder, or where it can't be written.
 */
export async function openStore(folder: string, notify: Notify): Promise<Store> {
  // The key of the server opens what lies here, and no other user's rights do.
  await makeFolder(folder, 0o700).catch((error: unknown) => {
    throw toJournalError(error, folder);
  });
  const lock = await lockFolder(folder);
  try {
    const files = await openFileStore(join(folder, 'files'), notify);
    const batches = await openBatchStore(join(folder, 'batches'), { files, notify });
    const pause = await openPauseFile(join(folder, 'paused.json'), notify);
    return { folder, files, batches, pause, close: lock.release };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

const lockFolder = (folder: string): Promise<Lock> =>
  acquireLock(join(folder, 'server'), {
    taken: `${folder} is in use`,
    wait: 'Stop that server, or choose another folder with --dir.',
    elsewhere: 'Choose another folder with --dir.',
  });
