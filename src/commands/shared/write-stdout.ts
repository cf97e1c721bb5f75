import { constants, fstatSync, openSync, write } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { JournalError, codeOf, systemReason } from '../../core/errors.ts';

const writeTo = promisify(write);
const standardOutput = 1;
let descriptor: number | null = null;

/**
 * Writes lines to stdout, and resolves when they are out. Not by `process.stdout`: that blocks the whole process while
 * the reader of a pipe is slow, Ctrl-C included. False when the reader has closed the pipe, or `signal` gives up on one
 * that does not read.
 */
export async function writeStdout(data: string | Buffer, signal?: AbortSignal): Promise<boolean> {
  descriptor ??= openStdout();
  let rest = Buffer.from(data);
  while (rest.length > 0) {
    try {
      const { bytesWritten } = await writeTo(descriptor, rest);
      rest = rest.subarray(bytesWritten);
    } catch (error) {
      if (isGone(error) || signal?.aborted === true) return false;
      if (codeOf(error) !== 'EAGAIN') throw new JournalError(`can't write to stdout: ${systemReason(error)}`);
      await sleep(1);
    }
  }
  return true;
}

/** The reader has closed the pipe, or the terminal. */
const isGone = (error: unknown): boolean => ['EPIPE', 'EIO'].includes(codeOf(error));

/**
 * A write to a full pipe blocks its thread for as long as the reader likes, and no process ends with a blocked thread.
 * Linux lets us open the pipe anew, without blocking, and without a change to the one that others share.
 */
function openStdout(): number {
  if (!fstatSync(standardOutput).isFIFO()) return standardOutput;
  try {
    return openSync('/proc/self/fd/1', constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return standardOutput;
  }
}
