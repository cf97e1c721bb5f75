import { askForNearFile } from '../files/near-file.ts';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { UsageError, codeOf, systemReason } from '../core/errors.ts';
import { type Fingerprint, type PrefixedFingerprint, createFingerprint } from '../files/fingerprint.ts';
import { readBlocks } from '../files/read-blocks.ts';
import { readLineBlocks } from '../files/read-lines.ts';
import type { FoundTable } from './csv/csv-rows.ts';
import type { InputScan } from './scan-input.ts';
import type { GivenFlag } from '../text/command-line.ts';
import { type FileName, fileName } from './source/file-name.ts';
import type { InputForm, Reading } from './source/look.ts';
import { type ExaminedInput, examineInput, toJsonl } from './source/examine-input.ts';
import { type Spool, startSpool } from './spool.ts';

export interface InputSource {
  /** A file, or '-' for `stdin`. */
  path: string;
  /** The file in which an earlier session kept standard input; null: it is read anew. */
  kept: string | null;
  reading: Reading;
  stdin: Readable;
  /** File that keeps standard input as it came. Beside it lie, without a name, the rows of what is not plain JSONL. */
  spoolPath: string;
  /** Fingerprint that an earlier session of the run saw, to tell a grown input from another one. */
  previous: Fingerprint | null;
  /** The flags of the command line, for messages. */
  given?: readonly GivenFlag[] | undefined;
  /** Ends the wait for standard input. */
  stop: AbortSignal;
}

export interface OpenedInput {
  readonly form: InputForm;
  /** The header of a table, known once it has been scanned; null for what is none. */
  table: () => FoundTable | null;
  /** Whether rows may be sent before the input has ended: what can only be judged as a whole may not. */
  readonly mayStream: boolean;
  /** The lines, as a file that can be read again. */
  readonly handle: FileHandle;
  /** Reads the lines into the scan; yields the number of rows known so far, each time it grew. */
  scanInto: (scan: InputScan) => AsyncGenerator<number>;
  /** Fingerprint of the input; known once it has been scanned to its end. */
  identity: () => PrefixedFingerprint;
  close: () => Promise<void>;
}

/** Opens an input, and looks at its first bytes: those of standard input are waited for. */
export async function openInput(source: InputSource): Promise<OpenedInput> {
  const isPiped = source.path === '-' && source.kept === null;
  return isPiped ? openStdin(source) : openFile(source);
}

async function openFile({ path, kept, reading, spoolPath, previous, given }: InputSource): Promise<OpenedInput> {
  const handle = await openForReading(kept ?? path);
  const fingerprint = createFingerprint(previous?.bytes ?? null);
  const file = fileName(path === '-' ? null : path, given);
  try {
    const found = await examineInput(observe(readBlocks(handle), fingerprint.add), { reading, file });
    if (isPlainJsonl(found)) return openLines(handle, previous);
    const rows = await openRows(found, { file, reading, spoolPath, original: handle });
    return { ...rows, form: found.form, mayStream: false, identity: identityOf(found, fingerprint.finish) };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function openLines(handle: FileHandle, previous: Fingerprint | null): OpenedInput {
  const fingerprint = createFingerprint(previous?.bytes ?? null);
  return {
    form: 'jsonl',
    table: () => null,
    mayStream: false,
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

/** What was piped in is kept as it came, so that a resume reads it as this run does. */
async function openStdin(source: InputSource): Promise<OpenedInput> {
  const { reading, stdin, spoolPath, previous, given, stop } = source;
  const fingerprint = createFingerprint(previous?.bytes ?? null);
  const kept = await startSpool(observe(stdin, fingerprint.add), spoolPath);
  const file = fileName(null, given);
  try {
    const found = await lookAtSpool(kept, { reading, file, stop });
    const identity = identityOf(found, fingerprint.finish);
    const mayStream = found.isPlain && streamed.has(found.form);
    if (isPlainJsonl(found)) {
      const scanInto = (scan: InputScan): AsyncGenerator<number> => followSpool(kept, scan);
      const { handle } = kept;
      return { form: 'jsonl', table: () => null, mayStream, handle, scanInto, identity, close: () => handle.close() };
    }
    const rows = await openRows(found, { file, reading, spoolPath, original: kept.handle });
    return { ...rows, form: found.form, mayStream, identity };
  } catch (error) {
    await kept.handle.close();
    throw error;
  }
}

/** Looks at what comes in; whatever it is, after a stop nothing more is read of it. */
async function lookAtSpool(
  kept: Spool,
  { stop, ...options }: { reading: Reading; file: FileName; stop: AbortSignal },
): Promise<ExaminedInput> {
  const bytes = followBytes(kept, stop);
  try {
    return await examineInput(bytes, options);
  } catch (error) {
    if (stop.aborted) return { form: 'jsonl', isPlain: true, encoding: null, bytes };
    throw error;
  }
}

const isPlainJsonl = ({ form, isPlain }: ExaminedInput): boolean => form === 'jsonl' && isPlain;

/** Forms of which each row can be judged by itself. */
const streamed: ReadonlySet<InputForm> = new Set(['jsonl', 'csv', 'tsv', 'text']);
/** Forms that may grow at their end. */
const growing: ReadonlySet<InputForm> = new Set(['jsonl', 'csv', 'tsv']);

/** The identity is that of the bytes which came in, not of the rows which they turned into. */
function identityOf({ form, isPlain }: ExaminedInput, finish: () => PrefixedFingerprint): () => PrefixedFingerprint {
  return isPlain && growing.has(form) ? finish : () => ({ ...finish(), prefixSha256: null });
}

/** Rows that are made anew at each start need no name: their file is unlinked at once, so that nothing of it is left. */
async function openRows(
  found: ExaminedInput,
  { file, reading, spoolPath, original }: { file: FileName; reading: Reading; spoolPath: string; original: FileHandle },
): Promise<Pick<OpenedInput, 'table' | 'handle' | 'scanInto' | 'close'>> {
  const place = `${spoolPath}.draft-${randomUUID()}`;
  const rows = await startSpool(toJsonl(found, { file, delimiter: reading.delimiter, original }), place);
  await rm(place, { force: true });
  return {
    table: () => found.table ?? null,
    handle: rows.handle,
    scanInto: (scan) => followSpool(rows, scan),
    async close() {
      await Promise.all([rows.handle.close(), original.close()]);
    },
  };
}

async function* observe(stream: AsyncIterable<Buffer>, onPiece: (piece: Buffer) => void): AsyncGenerator<Buffer> {
  for await (const piece of stream) {
    onPiece(piece);
    yield piece;
  }
}

/** Yields what has come into the spool, to its end, or to the stop. */
async function* followBytes(spool: Spool, stop: AbortSignal): AsyncGenerator<Buffer> {
  let position = 0;
  while (!stop.aborted) {
    const hasEnded = spool.hasEnded();
    const end = spool.bytes();
    if (end > position) {
      yield* readBlocks(spool.handle, { start: position, end });
      position = end;
    } else if (hasEnded) {
      await spool.nextChange();
      return;
    } else {
      await changeOrStop(spool, stop);
    }
  }
}

async function changeOrStop(spool: Spool, stop: AbortSignal): Promise<void> {
  const settled = new AbortController();
  const stopped = once(stop, 'abort', { signal: settled.signal }).catch(() => undefined);
  await Promise.race([spool.nextChange(), stopped]).finally(() => settled.abort());
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

async function openForReading(path: string): Promise<FileHandle> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw new UsageError(`${path} is a folder, not a file`, 'Name the files in it.');
    // Lines are read twice, and a pipe can be read once.
    if (!found.isFile()) throw new UsageError(`${path} is not a regular file`, 'Pipe it in: ... | llmbatch run -');
    return await open(path, 'r');
  } catch (error) {
    if (codeOf(error) === 'ENOENT')
      throw new UsageError(`no such file: ${path}`, (await askForNearFile(path)) ?? 'Check the path.');
    if (error instanceof UsageError) throw error;
    throw new UsageError(`can't read ${path}: ${systemReason(error)}`);
  }
}
