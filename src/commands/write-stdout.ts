import { write } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { codeOf } from '../core/errors.ts';

const writeTo = promisify(write);
const standardOutput = 1;

/**
 * Writes lines to stdout, and resolves when they are out. Not by `process.stdout`: that blocks the whole process while
 * the reader of a pipe is slow, Ctrl-C included. False when the reader has closed the pipe.
 */
export async function writeStdout(data: string | Buffer): Promise<boolean> {
  let rest = Buffer.from(data);
  while (rest.length > 0) {
    try {
      const { bytesWritten } = await writeTo(standardOutput, rest);
      rest = rest.subarray(bytesWritten);
    } catch (error) {
      if (codeOf(error) === 'EPIPE') return false;
      // Somebody who shares the pipe made it non-blocking.
      if (codeOf(error) !== 'EAGAIN') throw error;
      await sleep(10);
    }
  }
  return true;
}
