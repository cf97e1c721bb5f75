import { constants } from 'node:fs';
import { chmod, copyFile, link, mkdir, readFile, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, messageOf } from '../../core/errors.ts';
import type { Notify } from '../../core/events.ts';
import { makeFolder } from '../../files/make-folder.ts';
import { replaceFile, syncFile, syncFolder } from '../../files/replace-file.ts';
import { toJournalError } from '../../files/write-group.ts';
import { batchFromText, batchToText } from './batch-file.ts';
import type { BatchRecord } from './batch-record.ts';
import type { BatchChanges, BatchStore, FileStore } from './store.ts';

export interface BatchStoreOptions {
  /** Where the inputs of new batches are. */
  files: Pick<FileStore, 'pathOf'>;
  /** Told of each batch that can't be read. */
  notify: Notify;
}

/** Endings of the folder of a batch that is being made, and of one that is being removed. */
const draftEnding = '.draft';
const removedEnding = '.removed';

/**
 * Opens the batches of a server: a folder for each. What a crash left half made or half removed is cleared away. A batch whose
 * record can't be read is told and left as it is. Throws a `JournalError` where the folder can't be used.
 */
export async function openBatchStore(folder: string, { files, notify }: BatchStoreOptions): Promise<BatchStore> {
  const records = await loadRecords(folder, notify).catch((error: unknown) => {
    throw toJournalError(error, folder);
  });
  const changing = new Map<string, Promise<unknown>>();
  const folderOf = (id: string): string => join(folder, id);

  const change = async (id: string, changes: BatchChanges): Promise<BatchRecord> => {
    const before = records.get(id);
    if (before === undefined) throw new TypeError(`no batch ${id}`);
    const after = { ...before, ...(typeof changes === 'function' ? changes(before) : changes) };
    await writeRecord(folderOf(id), after);
    records.set(id, after);
    return after;
  };

  return {
    async add(record) {
      const draft = `${folderOf(record.id)}${draftEnding}`;
      try {
        await mkdir(draft, { mode: 0o700 });
        await linkInput(files.pathOf(record.inputFileId), join(draft, inputName));
        await writeRecord(draft, record);
        await rename(draft, folderOf(record.id));
        await syncFolder(folder);
      } catch (error) {
        await rm(draft, { recursive: true, force: true }).catch(() => undefined);
        throw toJournalError(error, draft);
      }
      records.set(record.id, record);
    },
    find: (id) => records.get(id) ?? null,
    list: () => [...records.values()].toReversed(),
    update(id, changes) {
      const earlier = changing.get(id) ?? Promise.resolve();
      const changed = earlier.catch(() => undefined).then(() => change(id, changes));
      changing.set(id, changed);
      void changed.catch(() => undefined).finally(() => changing.get(id) === changed && changing.delete(id));
      return changed;
    },
    async remove(id) {
      const removed = `${folderOf(id)}${removedEnding}`;
      await rename(folderOf(id), removed);
      records.delete(id);
      await rm(removed, { recursive: true, force: true });
    },
    pathsOf: (id) => ({ input: join(folderOf(id), inputName), results: join(folderOf(id), 'results.jsonl') }),
  };
}

const inputName = 'input.jsonl';
const recordName = 'batch.json';

const writeRecord = (folder: string, record: BatchRecord): Promise<void> =>
  replaceFile(join(folder, recordName), { mode: 0o600 }, (draft) => draft.writeFile(batchToText(record)));

/** A second name costs no space; file systems without hard links get a copy, which shares its blocks where they can. */
async function linkInput(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!withoutLinks.has(codeOf(error))) throw error;
    await copyFile(from, to, constants.COPYFILE_FICLONE);
    await chmod(to, 0o600);
    await syncFile(to);
  }
}

/** EMLINK: so many batches have the file already. */
const withoutLinks: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EXDEV', 'EMLINK', 'ENOSYS']);

/** Whatever else lies in the folder is not ours. */
const ourFolder = new RegExp(`^batch_[\\da-f]{24}(?:\\${draftEnding}|\\${removedEnding})?$`);

/** Records that are read at a time: more would not be faster. */
const atOnce = 64;

/** The records of all batches, the oldest first. */
async function loadRecords(folder: string, notify: Notify): Promise<Map<string, BatchRecord>> {
  await makeFolder(folder, 0o700);
  const names = (await readdir(folder)).filter((name) => ourFolder.test(name));
  const records: BatchRecord[] = [];
  for (let from = 0; from < names.length; from += atOnce) {
    const found = await Promise.all(names.slice(from, from + atOnce).map((name) => loadRecord(folder, name, notify)));
    records.push(...found.filter((record) => record !== null));
  }
  // The ids begin with the time.
  records.sort((left, right) => (left.id < right.id ? -1 : 1));
  return new Map(records.map((record) => [record.id, record]));
}

async function loadRecord(folder: string, name: string, notify: Notify): Promise<BatchRecord | null> {
  const path = join(folder, name);
  if (name.endsWith(draftEnding) || name.endsWith(removedEnding)) {
    await rm(path, { recursive: true, force: true });
    return null;
  }
  try {
    const record = batchFromText(await readFile(join(path, recordName), 'utf8'));
    if (record.id !== name) throw new Error(`its record is that of ${record.id}`);
    return record;
  } catch (error) {
    notify({ topic: 'serve', text: `${path} is ignored: ${messageOf(error)}` });
    return null;
  }
}
