import { createWriteStream } from 'node:fs';
import { readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { z } from 'zod';
import { messageOf } from '../../core/errors.ts';
import type { Notify } from '../../core/events.ts';
import { makeFolder } from '../../files/make-folder.ts';
import { replaceFile, syncFile } from '../../files/replace-file.ts';
import { toJournalError } from '../../files/write-group.ts';
import { printable } from '../../text/printable.ts';
import type { FileRecord } from './file-record.ts';
import { type FileDraft, type FileStore, newFileId } from './store.ts';

/** Bytes that a draft takes in before its source has to wait: a few writes of the disk. */
const draftBufferBytes = 1_048_576;

const recordSchema: z.ZodType<FileRecord> = z.object({
  id: z.string(),
  bytes: z.int().nonnegative(),
  createdAt: z.int(),
  expiresAt: z.int().nullable(),
  filename: z.string(),
  purpose: z.enum(['batch', 'batch_output']),
});

/**
 * Opens the files of a folder, which only its lock's owner may do: `<id>.bin` holds the bytes, `<id>.json` the record. A file is
 * there once its record is, so bytes without a record are what a crash left, and are removed. A record that can't be read is
 * told, and left with its bytes where it is.
 */
export async function openFileStore(folder: string, notify: Notify): Promise<FileStore> {
  const loaded = await loadRecords(folder, notify).catch((error: unknown) => {
    throw toJournalError(error, folder);
  });
  const records = new Map(loaded.map((record) => [record.id, record]));
  const pathOf = (id: string): string => join(folder, `${id}.bin`);
  const recordPathOf = (id: string): string => join(folder, `${id}.json`);

  async function keep(record: FileRecord): Promise<void> {
    await replaceFile(recordPathOf(record.id), { mode: 0o600 }, (draft) => draft.writeFile(JSON.stringify(record)));
    records.set(record.id, record);
  }

  return {
    begin: (id = newFileId()) => beginDraft(id, pathOf(id), keep),
    find: (id) => records.get(id) ?? null,
    list: () => [...records.values()].toReversed(),
    pathOf,
    async remove(id) {
      if (!records.has(id)) return false;
      // The record first: without it the bytes are nobody's, and the next start removes them. Where it can't be removed, the file stays.
      await rm(recordPathOf(id), { force: true });
      const isFirst = records.delete(id);
      await rm(pathOf(id), { force: true });
      return isFirst;
    },
  };
}

async function beginDraft(id: string, path: string, keep: (record: FileRecord) => Promise<void>): Promise<FileDraft> {
  const stream = createWriteStream(path, { flags: 'wx', mode: 0o600, highWaterMark: draftBufferBytes });
  await new Promise<void>((resolve, reject) => {
    stream.once('open', () => resolve());
    // A later error reaches whoever writes; without a listener of its own it would end the process.
    stream.on('error', (error) => reject(toJournalError(error, path)));
  });
  return {
    stream,
    async keep(details) {
      stream.end();
      try {
        await finished(stream);
        await syncFile(path);
      } catch (error) {
        throw toJournalError(error, path);
      }
      const record = { id, bytes: stream.bytesWritten, createdAt: Math.floor(Date.now() / 1000), ...details };
      await keep(record);
      return record;
    },
    async discard() {
      stream.destroy();
      await rm(path, { force: true });
    },
  };
}

/** Reads the records, the oldest first, and clears the folder of what a crash left. */
async function loadRecords(folder: string, notify: Notify): Promise<FileRecord[]> {
  await makeFolder(folder, 0o700);
  const entries = await readdir(folder, { withFileTypes: true });
  // No folder in it is ours.
  const names = new Set(entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name));
  const records: FileRecord[] = [];
  for (const name of names) {
    const [, id, ending] = /^(file-[\da-f]{24})\.(bin|json|json\.draft-.*)$/.exec(name) ?? [];
    const path = join(folder, name);
    if (id !== undefined && ending === 'json') {
      const record = await readRecord(path, id).catch((error: unknown) => {
        notify({
          topic: 'serve',
          text: `${path} can't be read, so its file is ignored: ${printable(messageOf(error))}`,
        });
      });
      if (record !== undefined) records.push(record);
    } else if (id !== undefined && (ending !== 'bin' || !names.has(`${id}.json`))) {
      await rm(path, { force: true });
    }
  }
  // Of two files of one second the ids tell which was begun first.
  return records.toSorted((left, right) => left.createdAt - right.createdAt || (left.id < right.id ? -1 : 1));
}

async function readRecord(path: string, id: string): Promise<FileRecord> {
  const { success, data } = recordSchema.safeParse(JSON.parse(await readFile(path, 'utf8')));
  if (!success || data.id !== id) throw new Error('it is not the record of this file');
  return data;
}
