import { open } from 'node:fs/promises';
import { findServer } from '../../../machine/listening-process.ts';
import { readProcFile } from '../../../machine/proc.ts';
import { isSwitchedOn } from '../../http/is-switched-on.ts';

/** The keys of a model's architecture stand at the beginning of its file, before the many words of its tokenizer. */
const headBytes = 64 * 1024;

/** Does a GGUF file say that the attention of some layers reaches back over a window only? */
export async function hasSlidingWindow(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0);
    return buffer.subarray(0, bytesRead).includes('.attention.sliding_window');
  } finally {
    await file.close();
  }
}

/**
 * Does the llama-server at this port of this machine forget what lies outside the sliding window of its model? Null where it
 * can't be seen, which is the case but on Linux.
 */
export async function forgetsBeginnings(port: number, modelPath: string): Promise<boolean | null> {
  const server = await findServer(port, /^llama-server/);
  if (server === null || server.environment === null) return null;
  if (!(await hasSlidingWindow(modelPath).catch(() => false))) return false;
  const flags = (await readProcFile(server.pid, 'cmdline')).split('\0');
  return !flags.includes('--swa-full') && !isSwitchedOn(server.environment['LLAMA_ARG_SWA_FULL']);
}
