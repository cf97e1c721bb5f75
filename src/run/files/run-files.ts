import type { Stats } from 'node:fs';
import { lstat, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { JournalError, UsageError, systemReason } from '../../core/errors.ts';
import { makeFolder } from '../../files/make-folder.ts';
import { removeDrafts } from '../../files/replace-file.ts';
import { undoAside } from '../../journal/keep-aside.ts';
import { acquireLock, lockPathOf } from '../../journal/lock.ts';
import { tornPathOf } from '../../journal/open-output.ts';
import type { RunPaths } from '../../journal/manifest/run-paths.ts';
import { forgetRun } from '../../journal/manifest/started-runs.ts';
import type { RunRequest } from '../run-request.ts';

/** Files that a run makes. */
const madeBy = ({ output, manifest, spool, engineLog }: RunPaths): string[] => [output, manifest, spool, engineLog];

/** Writing, or removing what an earlier run left, must not touch the input, nor a device. */
async function checkPaths({ input, paths }: Pick<RunRequest, 'input' | 'paths'>): Promise<void> {
  const found = await stat(paths.output).catch(() => null);
  if (found !== null && !found.isFile()) {
    throw new JournalError(`${paths.output} is not a regular file`, 'For stdout, give -o -; else another file.');
  }
  if (input === '-') return;
  const inputFile = await stat(input).catch(() => null);
  const others = [tornPathOf(paths.output), lockPathOf(paths.output), ...paths.earlierManifests];
  for (const path of [...madeBy(paths), ...others]) {
    if (!isSameFile(inputFile, await stat(path).catch(() => null))) continue;
    throw new UsageError(`the run would write over its input ${input}`, 'Choose another place with -o.');
  }
}

/** Compares two files by what the system knows them as: their names may differ in links, or in capitals. */
const isSameFile = (one: Stats | null, other: Stats | null): boolean =>
  one !== null && other !== null && one.dev === other.dev && one.ino === other.ino;

export async function hasNoResults({ output }: RunPaths): Promise<boolean> {
  return ((await stat(output).catch(() => null))?.size ?? 0) === 0;
}

/** The files of a run, locked: no other process writes to them until they are released. */
export interface RunFiles {
  /** Throws a `JournalError` where the lock is ours no more. */
  check: () => Promise<void>;
  /** Takes away what was not there before: a mistake of the user's leaves nothing. */
  removeNew: (environment: NodeJS.ProcessEnv) => Promise<void>;
  release: () => Promise<void>;
}

/** Locks the files of a run, and clears away what a killed one left half done. Throws where they can't be used. */
export async function lockRunFiles(request: Pick<RunRequest, 'input' | 'paths'>): Promise<RunFiles> {
  const { paths } = request;
  await checkPaths(request);
  await makeOutputFolder(dirname(paths.output));
  const lock = await acquireLock(paths.output);
  try {
    const removeNew = await noteFiles(paths);
    await removeDrafts(paths.output);
    await undoAside(paths);
    return { check: lock.check, removeNew, release: lock.release };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function makeOutputFolder(path: string): Promise<void> {
  await makeFolder(path).catch((error: unknown) => {
    throw new JournalError(
      `can't make the folder ${path}: ${systemReason(error)}`,
      'Choose another place with -o.',
      error,
    );
  });
}

/** Remembers what lies at a run's paths; returns what takes away the files that were not there. */
async function noteFiles(paths: RunPaths): Promise<RunFiles['removeNew']> {
  const found = await Promise.all(madeBy(paths).map((path) => lstat(path).catch(() => null)));
  const absent = madeBy(paths).filter((_path, index) => found[index] === null);
  return async (environment) => {
    for (const path of absent) {
      if ((await lstat(path).catch(() => null))?.isFile() === true) await rm(path, { force: true });
    }
    if (absent.includes(paths.manifest)) await forgetRun(paths.manifest, environment);
  };
}
