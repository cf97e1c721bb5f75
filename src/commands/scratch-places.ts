import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunPlaces, placesOf } from '../journal/run-places.ts';

/** Lends places for what is only looked at: standard input and CSV rows are kept in a file while they are read. */
export const withScratchPlaces = <Result>(use: (places: RunPlaces) => Promise<Result>): Promise<Result> =>
  withScratchFolder((folder) => endingOnSignals(folder, () => use(placesOf(join(folder, 'scratch.jsonl')))));

/** A folder of its own for the time of a call. */
export async function withScratchFolder<Result>(use: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'llmbatch-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** What is only looked at ends at once, and takes its folder with it: the user's rows lie in it. */
async function endingOnSignals<Result>(folder: string, use: () => Promise<Result>): Promise<Result> {
  const handlers = signals.map((signal) => {
    const end = (): void => {
      rmSync(folder, { recursive: true, force: true });
      // The handler is gone by now: the signal does what it does by itself.
      process.kill(process.pid, signal);
    };
    process.once(signal, end);
    return [signal, end] as const;
  });
  try {
    return await use();
  } finally {
    for (const [signal, end] of handlers) process.off(signal, end);
  }
}
