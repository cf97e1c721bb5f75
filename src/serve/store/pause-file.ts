import { readFile, rm } from 'node:fs/promises';
import { z } from 'zod';
import { codeOf, messageOf } from '../../core/errors.ts';
import type { Notify } from '../../core/events.ts';
import { replaceFile } from '../../files/replace-file.ts';
import { toJournalError } from '../../files/write-group.ts';
import { printable } from '../../text/printable.ts';

/** Who paused something, and since when (ISO 8601). */
export interface Pause {
  by: string;
  since: string;
}

/** The pause of all batches, which a restart does not end. */
export interface PauseFile {
  get: () => Pause | null;
  /** Holds at once, and is on disk when it resolves. Throws a `JournalError` where it can't be written. */
  set: (pause: Pause | null) => Promise<void>;
}

const schemaVersion = 1;
const pauseSchema = z.object({ schema_version: z.literal(schemaVersion), by: z.string(), since: z.string() });

/** Opens `paused.json`, which is there while all batches are paused. What can't be read is told, and pauses nothing. */
export async function openPauseFile(path: string, notify: Notify): Promise<PauseFile> {
  let pause = await readPause(path).catch((error: unknown) => {
    notify({ topic: 'serve', text: `${path} can't be read, so nothing is paused: ${printable(messageOf(error))}` });
    return null;
  });
  let last: Promise<void> = Promise.resolve();
  return {
    get: () => pause,
    set(next) {
      pause = next;
      last = last.catch(() => undefined).then(() => writePause(path, next));
      return last;
    },
  };
}

async function readPause(path: string): Promise<Pause | null> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return null;
  const { by, since } = pauseSchema.parse(JSON.parse(text));
  return { by, since };
}

async function writePause(path: string, pause: Pause | null): Promise<void> {
  if (pause !== null) {
    const text = `${JSON.stringify({ schema_version: schemaVersion, ...pause })}\n`;
    await replaceFile(path, { mode: 0o600 }, (draft) => draft.writeFile(text));
    return;
  }
  await rm(path, { force: true }).catch((error: unknown) => {
    throw toJournalError(error, path);
  });
}
