import { randomBytes } from 'node:crypto';
import type { Writable } from 'node:stream';
import type { BatchRecord } from './batch-record.ts';
import type { FileRecord } from './file-record.ts';
import type { PauseFile } from './pause-file.ts';

/**
 * The files and batches of a server: a folder is all that it keeps, and each change is on disk before it is answered. One server
 * holds the lock of the folder.
 */
export interface Store {
  readonly folder: string;
  readonly files: FileStore;
  readonly batches: BatchStore;
  readonly pause: PauseFile;
  close: () => Promise<void>;
}

export interface FileStore {
  /**
   * Begins a file; nobody sees it before it is kept. Throws a `JournalError` where the disk is full. `id`: one of `newFileId`,
   * where it must be known beforehand, so that a crash leaves no file that nobody knows of.
   */
  begin: (id?: string) => Promise<FileDraft>;
  find: (id: string) => FileRecord | null;
  /** The newest first. */
  list: () => FileRecord[];
  /** Where the bytes lie. */
  pathOf: (id: string) => string;
  /** False where there was none. */
  remove: (id: string) => Promise<boolean>;
}

/** A file that is being written. */
export interface FileDraft {
  /** Takes the bytes; its error is the disk's. */
  readonly stream: Writable;
  /** Puts all on disk, and shows the file under its id. */
  keep: (details: Pick<FileRecord, 'filename' | 'purpose' | 'expiresAt'>) => Promise<FileRecord>;
  discard: () => Promise<void>;
}

export interface BatchStore {
  /** Makes the folder of a new batch, with the input in it: as a second name of the file, which may be deleted meanwhile. */
  add: (record: BatchRecord) => Promise<void>;
  find: (id: string) => BatchRecord | null;
  /** The newest first. */
  list: () => BatchRecord[];
  /**
   * Changes a record on disk, and then what `find` gives: what the batch is by then with these changes, or with what the function
   * makes of it. Changes of one batch wait for each other, so that none is lost. Throws a `JournalError` where the disk is full.
   */
  update: (id: string, changes: BatchChanges) => Promise<BatchRecord>;
  /** Removes the folder of a batch with all that is in it. */
  remove: (id: string) => Promise<void>;
  /** The files of a batch: its input, and the results of its run, which are its journal. */
  pathsOf: (id: string) => { input: string; results: string };
}

/** What becomes different in a record. */
export type BatchChanges = Partial<BatchRecord> | ((record: BatchRecord) => Partial<BatchRecord>);

/** An id that no batch has yet: `batch_` and 24 characters. */
export const newBatchId = (): string => `batch_${timedId()}`;

/** An id that no file has yet: `file-` and 24 characters. */
export const newFileId = (): string => `file-${timedId()}`;

/**
 * The milliseconds since 1970 and 48 random bits, in hexadecimal digits: the ids tell who is older, also of those that this process
 * makes within a millisecond.
 */
function timedId(): string {
  const fresh = BigInt(`0x${Date.now().toString(16)}${randomBytes(6).toString('hex')}`);
  newest = fresh > newest ? fresh : newest + 1n;
  return newest.toString(16).padStart(24, '0');
}

let newest = 0n;
