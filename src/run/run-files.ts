import { lstat, realpath, rm, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { JournalError, UsageError } from '../core/errors.ts';
import { findManifest } from '../journal/find-manifest.ts';
import { tornPathOf } from '../journal/open-output.ts';
import type { RunPlaces } from '../journal/run-places.ts';
import { forgetRun } from '../journal/started-runs.ts';
import type { RunRequest } from './run-request.ts';

const pathsOf = ({ output, manifest, spool, engineLog }: RunPlaces): string[] => [
  output,
  manifest,
  spool,
  engineLog,
  tornPathOf(output),
];

/** Writing, or removing what an earlier run left, must not touch the input, nor a device. */
export async function checkPlaces({ input, places }: Pick<RunRequest, 'input' | 'places'>): Promise<void> {
  const found = await stat(places.output).catch(() => null);
  if (found !== null && !found.isFile()) {
    throw new JournalError(`${places.output} is not a regular file`, 'For stdout, give -o -; else another file.');
  }
  if (input === '-') return;
  const inputFile = await realpath(input).catch(() => resolve(input));
  for (const path of pathsOf(places)) {
    if ((await realpath(path).catch(() => path)) !== inputFile) continue;
    throw new UsageError(`the run would write over its input ${input}`, 'Choose another place with -o.');
  }
}

export async function hasNoResults({ output }: RunPlaces): Promise<boolean> {
  return ((await stat(output).catch(() => null))?.size ?? 0) === 0;
}

/** Removes what an earlier run left at this place (`--overwrite`). Call with the lock held. */
export async function removeRun(places: RunPlaces): Promise<void> {
  const known = await findManifest(places).catch(() => null);
  const isSpoolOurs = known?.manifest.input.spool === places.spool;
  const paths = pathsOf(places).filter((path) => path !== places.spool || isSpoolOurs);
  await Promise.all(paths.map((path) => rm(path, { force: true })));
}

/** Remembers what lies at a run's places, and takes away what was not there: a mistake of the user's leaves nothing. */
export async function noteFiles(
  places: RunPlaces,
): Promise<{ removeNew: (environment: NodeJS.ProcessEnv) => Promise<void> }> {
  const found = await Promise.all(pathsOf(places).map((path) => lstat(path).catch(() => null)));
  const absent = pathsOf(places).filter((_path, index) => found[index] === null);
  return {
    async removeNew(environment) {
      await Promise.all(absent.map((path) => rm(path, { force: true })));
      if (absent.includes(places.manifest)) await forgetRun(places.manifest, environment);
    },
  };
}
