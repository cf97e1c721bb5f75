import { syncFolder } from '../files/replace-file.ts';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { JournalError, codeOf, systemReason } from '../core/errors.ts';
import { quoteForShell } from '../text/format.ts';
import { appendFlags, noFollow } from '../files/no-follow.ts';
import { type ByteRange, readRanges } from '../files/read-ranges.ts';
import { maxResultBytes } from '../core/result-line.ts';
import { checkEncoding } from './check-encoding.ts';
import { makeFolder } from '../files/make-folder.ts';
import { readAnyLine } from './result-head.ts';
import { toJournalError } from '../files/write-group.ts';

const lineFeed = 10;
const blockBytes = 64 * 1024;
const copyBytes = 4 * 1024 * 1024;

/** The file that keeps damaged bytes of an output, so that a person can look at them. */
export const tornPathOf = (outputPath: string): string => `${outputPath}.torn`;

/**
 * Opens an output for appending, creates it where it is missing, and cuts off a torn tail (the bytes behind the last
 * line feed), because a line that is appended to it would be lost together with it. A whole result whose line feed an
 * editor took gets it back. Throws a `JournalError`.
 */
export async function openOutput(path: string): Promise<{ handle: FileHandle; size: number; tornBytes: number }> {
  let handle: FileHandle | null = null;
  try {
    await makeFolder(dirname(path));
    handle = await openOrCreate(path);
    const { size, nlink } = await handle.stat();
    if (nlink > 1) throw hasOtherNames(path);
    await checkEncoding(handle, path);
    const end = await endOfLastLine(handle, size);
    const tail = { offset: end, length: size - end };
    if (await isWholeResult(handle, tail)) {
      await handle.write('\n', size);
      await handle.sync();
      return { handle, size: size + 1, tornBytes: 0 };
    }
    if (end < size) {
      await keepDamage({ handle, path }, [tail]);
      await handle.truncate(end);
      await handle.sync();
    }
    return { handle, size: end, tornBytes: size - end };
  } catch (error) {
    await handle?.close();
    if (error instanceof JournalError) throw error;
    throw new JournalError(
      `can't open the output ${path}: ${systemReason(error)}`,
      'Choose another place with -o.',
      error,
    );
  }
}

async function isWholeResult(handle: FileHandle, tail: ByteRange): Promise<boolean> {
  if (tail.length === 0 || tail.length > maxResultBytes) return false;
  const [bytes] = await readRanges(handle, [tail]);
  return readAnyLine(bytes!) !== null;
}

/**
 * The error for a file with several names: the lock knows only one of them, and writing under it changes the others.
 */
const hasOtherNames = (path: string): JournalError =>
  new JournalError(
    `${path} is one file under several names (hard links): the file would also change under its other names`,
    `Give the run a file of its own: cp ${quoteForShell(path)} copy && mv copy ${quoteForShell(path)}. Or choose another place with -o.`,
  );

async function openOrCreate(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDWR | noFollow);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  const handle = await open(path, 'wx+');
  await syncFolder(dirname(path));
  return handle;
}

async function endOfLastLine(handle: FileHandle, size: number): Promise<number> {
  const block = Buffer.allocUnsafe(blockBytes);
  for (let end = size; end > 0; end -= blockBytes) {
    const start = Math.max(0, end - blockBytes);
    const { bytesRead } = await handle.read(block, 0, end - start, start);
    const found = block.subarray(0, bytesRead).lastIndexOf(lineFeed);
    if (found !== -1) return start + found + 1;
  }
  return 0;
}

/**
 * Appends damaged ranges of an output to the file that keeps them, each as a line, and syncs it: the output loses them
 * after that.
 */
export async function keepDamage(
  { handle, path }: { handle: FileHandle; path: string },
  ranges: readonly ByteRange[],
): Promise<void> {
  if (ranges.length === 0) return;
  const { mode } = await handle.stat();
  // The file gets the rights of the output, and is never opened through a link.
  const kept = await open(tornPathOf(path), appendFlags, mode & 0o777).catch((error: unknown) => {
    throw toJournalError(error, tornPathOf(path));
  });
  try {
    for (const range of ranges) {
      await copyRange(handle, kept, range);
      await kept.appendFile('\n');
    }
    await kept.sync();
  } catch (error) {
    throw toJournalError(error, tornPathOf(path));
  } finally {
    await kept.close();
  }
}

async function copyRange(source: FileHandle, target: FileHandle, { offset, length }: ByteRange): Promise<void> {
  for (let done = 0; done < length;) {
    const piece = { offset: offset + done, length: Math.min(copyBytes, length - done) };
    const [bytes] = await readRanges(source, [piece]);
    await target.appendFile(bytes!);
    done += piece.length;
  }
}
