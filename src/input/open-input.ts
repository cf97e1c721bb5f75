import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { UsageError, codeOf, messageOf } from '../core/errors.ts';
import { type Fingerprint, type PrefixedFingerprint, createFingerprint } from '../files/fingerprint.ts';
import { readLineBlocks } from '../files/read-lines.ts';
import { csvToJsonl } from './csv-rows.ts';
import type { InputScan } from './scan-input.ts';
import { type Spool, startSpool } from './spool.ts';

export interface InputSource {
  /** A file, or '-' for `stdin`. */
  path: string;
  format: 'jsonl' | 'csv';
  stdin: Readable;
  /** File that keeps standard input, or the rows of a CSV as JSONL. */
  spoolPath: string;
  /** Fingerprint that an earlier session of the run saw, to tell a grown input from another one. */
  previous: Fingerprint | null;
}

export interface OpenedInput {
  /** The lines, as a file that can be read again. */
  readonly handle: FileHandle;
  /** Reads the lines into the scan; yields the number of rows known so far, each time it grew. */
  scanInto: (scan: InputScan) => AsyncGenerator<number>;
  /** Fingerprint of the input; known once it has been scanned to its end. */
  identity: () => PrefixedFingerprint;
  close: () => Promise<void>;
}

export async function openInput(source: InputSource): Promise<OpenedInput> {
  const isSpooled = source.path === '-' || source.format === 'csv';
  return isSpooled ? openSpooled(source) : openFile(source);
}

async function openFile({ path, previous }: InputSource): Promise<OpenedInput> {
  const handle = await openForReading(path);
  const fingerprint = createFingerprint(previous?.bytes ?? null);
  return {
    handle,
    async *scanInto(scan) {
      for await (const lines of readLineBlocks(handle, { onBlock: fingerprint.add })) {
        scan.add(lines);
        yield scan.table.size;
      }
    },
    identity: fingerprint.finish,
    close: () => handle.close(),
  };
}

/** The identity is that of the bytes which came in, not of the rows which a CSV turned into. */
async function openSpooled({ path, format, stdin, spoolPath, previous }: InputSource): Promise<OpenedInput> {
  const fingerprint = createFingerprint(previous?.bytes ?? null);
  const bytes = observe(path === '-' ? stdin : createReadStream(await checkedPath(path)), fingerprint.add);
  const isCsv = format === 'csv';
  // Rows that are made anew at each start need no name: the file is unlinked at once, so that nothing of it is left.
  const place = isCsv ? `${spoolPath}.draft-${randomUUID()}` : spoolPath;
  const spool = await startSpool(isCsv ? csvToJsonl(bytes, { delimiter: null }) : bytes, place);
  if (isCsv) await rm(place, { force: true });
  return {
    handle: spool.handle,
    scanInto: (scan) => followSpool(spool, scan),
    identity: fingerprint.finish,
    close: () => spool.handle.close(),
  };
}

async function* observe(stream: AsyncIterable<Buffer>, onPiece: (piece: Buffer) => void): AsyncGenerator<Buffer> {
  for await (const piece of stream) {
    onPiece(piece);
    yield piece;
  }
}

/** Scans whole lines as they arrive in the spool. */
async function* followSpool(spool: Spool, scan: InputScan): AsyncGenerator<number> {
  let position = 0;
  for (;;) {
    const hasEnded = spool.hasEnded();
    const end = spool.readableBytes();
    if (end > position) {
      for await (const lines of readLineBlocks(spool.handle, { start: position, end })) {
        scan.add(lines);
        yield scan.table.size;
      }
      position = end;
    } else if (hasEnded) {
      await spool.nextChange();
      return;
    } else {
      await spool.nextChange();
    }
  }
}

async function checkedPath(path: string): Promise<string> {
  await (await openForReading(path)).close();
  return path;
}

async function openForReading(path: string): Promise<FileHandle> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw new UsageError(`${path} is a folder, not a file`);
    // Lines are read twice, and a pipe can be read once.
    if (!found.isFile()) throw new UsageError(`${path} is not a regular file`, 'Pipe it in: ... | llmbatch run -');
    return await open(path, 'r');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw new UsageError(`no such file: ${path}`);
    if (error instanceof UsageError) throw error;
    throw new UsageError(`can't read ${path}: ${messageOf(error)}`);
  }
}
