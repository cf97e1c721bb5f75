import type { Stats } from 'node:fs';
import { lstat, rm, stat } from 'node:fs/promises';
import { JournalError, UsageError } from '../../core/errors.ts';
import { lockPathOf } from '../../journal/lock.ts';
import { tornPathOf } from '../../journal/open-output.ts';
import type { RunPaths } from '../../journal/manifest/run-paths.ts';
import { forgetRun } from '../../journal/manifest/started-runs.ts';
import type { RunRequest } from '../run-request.ts';

/** What a run makes. */
const madeBy = ({ output, manifest, spool, engineLog }: RunPaths): string[] => [output, manifest, spool, engineLog];

/** Writing, or removing what an earlier run left, must not touch the input, nor a device. */
export async function checkPaths({ input, paths }: Pick<RunRequest, 'input' | 'paths'>): Promise<void> {
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

/** By what the system knows it as: names may differ in links, or in capitals. */
const isSameFile = (one: Stats | null, other: Stats | null): boolean =>
  one !== null && other !== null && one.dev === other.dev && one.ino === other.ino;

export async function hasNoResults({ output }: RunPaths): Promise<boolean> {
  return ((await stat(output).catch(() => null))?.size ?? 0) === 0;
}

/** Remembers what lies at a run's paths, and takes away what was not there: a mistake of the user's leaves nothing. */
export async function noteFiles(
  paths: RunPaths,
): Promise<{ removeNew: (environment: NodeJS.ProcessEnv) => Promise<void> }> {
  const found = await Promise.all(madeBy(paths).map((path) => lstat(path).catch(() => null)));
  const absent = madeBy(paths).filter((_path, index) => found[index] === null);
  return {
    async removeNew(environment) {
      for (const path of absent) {
        if ((await lstat(path).catch(() => null))?.isFile() === true) await rm(path, { force: true });
      }
      if (absent.includes(paths.manifest)) await forgetRun(paths.manifest, environment);
    },
  };
}
