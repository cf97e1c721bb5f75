import { type FileHandle, open } from 'node:fs/promises';
import { createNotifier } from '../async/notifier.ts';
import { JournalError, LlmbatchError, systemReason } from '../core/errors.ts';
import { appendAndReadFlags } from '../files/no-follow.ts';

/** A stream that is being copied to a file, which can be read while it still grows. */
export interface Spool {
  readonly handle: FileHandle;
  /** Bytes that are there. */
  bytes: () => number;
  /** Bytes up to the last line feed; all bytes once it has ended well. */
  readableBytes: () => number;
  hasEnded: () => boolean;
  /** Resolves at the next change of either; rejects when the copy failed. */
  nextChange: () => Promise<void>;
}

const lineFeed = 10;

/**
 * Starts to copy `stream` to the file at `path`. Where the file holds bytes already (a run taken up again with its
 * input piped in anew), they must be the stream's first ones: they are compared, not written.
 */
export async function startSpool(stream: AsyncIterable<Buffer>, path: string): Promise<Spool> {
  const handle = await open(path, appendAndReadFlags, 0o600).catch((error: unknown) => {
    throw new JournalError(`can't keep the input in ${path}: ${systemReason(error)}`);
  });
  const notifier = createNotifier();
  const state = { size: 0, wholeLines: 0, hasEnded: false, failure: null as unknown };

  const copy = async (): Promise<void> => {
    const knownBytes = (await handle.stat()).size;
    let syncedAt = performance.now();
    for await (const piece of stream) {
      const overlap = Math.max(0, Math.min(piece.length, knownBytes - state.size));
      if (overlap > 0) await expectBytes(handle, state.size, piece.subarray(0, overlap));
      if (overlap < piece.length) await handle.appendFile(piece.subarray(overlap));
      const lastLineFeed = piece.lastIndexOf(lineFeed);
      if (lastLineFeed !== -1) state.wholeLines = state.size + lastLineFeed + 1;
      state.size += piece.length;
      syncedAt = await syncEverySecond(handle, syncedAt);
      notifier.notify();
    }
    await handle.datasync();
    if (state.size < knownBytes) throw otherInput();
  };
  const noteFailure = (error: unknown): void => {
    state.failure =
      error instanceof LlmbatchError
        ? error
        : new JournalError(`can't keep the input in ${path}: ${systemReason(error)}`);
  };
  void copy()
    .catch(noteFailure)
    .finally(() => {
      state.hasEnded = true;
      notifier.notify();
    });

  return {
    handle,
    bytes: () => state.size,
    // After a failure the rest of a line may be missing.
    readableBytes: () => (state.hasEnded && state.failure === null ? state.size : state.wholeLines),
    hasEnded: () => state.hasEnded,
    async nextChange() {
      if (!state.hasEnded) await notifier.next();
      if (state.failure !== null) throw state.failure;
    },
  };
}

/** A power cut may take results of the last moments; their requests must not be gone with them. */
async function syncEverySecond(handle: FileHandle, lastAt: number): Promise<number> {
  if (performance.now() - lastAt < 1000) return lastAt;
  await handle.datasync();
  return performance.now();
}

async function expectBytes(handle: FileHandle, position: number, bytes: Buffer): Promise<void> {
  const known = Buffer.allocUnsafe(bytes.length);
  const { bytesRead } = await handle.read(known, 0, bytes.length, position);
  if (!known.subarray(0, bytesRead).equals(bytes)) throw otherInput();
}

const otherInput = (): JournalError =>
  new JournalError(
    'the input is not the one that this output was started with',
    'Use another -o for the run, or --overwrite to start again.',
  );
