import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunPaths, pathsOf } from '../../journal/manifest/run-paths.ts';
import { endOnSignals } from './end-on-signals.ts';

/**
 * Lends paths for what is only looked at: standard input and CSV rows are kept in a file while they are read. A signal
 * takes the folder away too: the user's rows lie in it.
 */
export const withScratchPaths = <Result>(use: (paths: RunPaths) => Promise<Result>): Promise<Result> =>
  withScratchFolder((folder) =>
    endOnSignals(
      () => rmSync(folder, { recursive: true, force: true }),
      () => use(pathsOf(join(folder, 'scratch.jsonl'))),
    ),
  );

/** A folder of its own for the time of a call. */
export async function withScratchFolder<Result>(use: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'llmbatch-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
