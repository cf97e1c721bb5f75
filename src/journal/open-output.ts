import { appendFile, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { JournalError, codeOf, messageOf } from '../core/errors.ts';
import { makeFolder } from './make-folder.ts';

const lineFeed = 10;
const blockBytes = 64 * 1024;

/** What a crash tore from the end of an output is kept here, for the eye. */
export const tornPathOf = (outputPath: string): string => `${outputPath}.torn`;

/**
 * Opens an output for appending, creates it where it is missing, and cuts a torn tail (bytes behind the last line feed)
 * back: a line appended to it would be lost together with it.
 */
export async function openOutput(path: string): Promise<{ handle: FileHandle; size: number; tornBytes: number }> {
  let handle: FileHandle | null = null;
  try {
    await makeFolder(dirname(path));
    handle = await openOrCreate(path);
    const { size } = await handle.stat();
    const end = await endOfLastLine(handle, size);
    if (end < size) {
      await keepTorn(handle, path, { from: end, to: size });
      await handle.truncate(end);
      await handle.sync();
    }
    return { handle, size: end, tornBytes: size - end };
  } catch (error) {
    await handle?.close();
    if (error instanceof JournalError) throw error;
    throw new JournalError(
      `can't open the output ${path}: ${messageOf(error)}`,
      'Choose another place with -o.',
      error,
    );
  }
}

async function openOrCreate(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r+');
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  const handle = await open(path, 'wx+');
  await syncFolder(dirname(path));
  return handle;
}

/** A new or renamed file is safe only once its folder's entry is on disk. */
export async function syncFolder(path: string): Promise<void> {
  // Windows can't open folders; its file systems journal the entry.
  const folder = await open(path, 'r').catch(() => null);
  await folder?.sync().catch(() => undefined);
  await folder?.close();
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

async function keepTorn(handle: FileHandle, path: string, { from, to }: { from: number; to: number }): Promise<void> {
  const block = Buffer.allocUnsafe(Math.min(blockBytes, to - from));
  for (let position = from; position < to;) {
    const { bytesRead } = await handle.read(block, 0, Math.min(block.length, to - position), position);
    if (bytesRead === 0) break;
    await appendFile(tornPathOf(path), block.subarray(0, bytesRead));
    position += bytesRead;
  }
  await appendFile(tornPathOf(path), '\n');
}
