import type { Progress, ProgressSource } from './progress.ts';

/** Writes the notes and no progress. */
export function startNotes({ stream }: ProgressSource): Progress {
  return { note: (text) => void stream.write(`${text}\n`), stop: () => {} };
}
