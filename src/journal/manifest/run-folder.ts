import { randomUUID } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { JournalError, systemReason } from '../../core/errors.ts';
import { makeFolder } from '../../files/make-folder.ts';
import { realPathOf } from '../../files/real-path.ts';
import { type RunPaths, pathsOf } from './run-paths.ts';

/** The folder where llmbatch keeps what belongs to the user, not to a run: `$XDG_STATE_HOME/llmbatch`. */
export function stateFolder(environment: NodeJS.ProcessEnv): string {
  return join(environment['XDG_STATE_HOME'] || join(homedir(), '.local', 'state'), 'llmbatch');
}

const runsFolder = (environment: NodeJS.ProcessEnv): string => join(stateFolder(environment), 'runs');

const outputName = 'results.jsonl';

/**
 * Makes the folder for the files of a run that writes to stdout, in the state folder. Folders of runs that were not
 * touched for a month are removed. Throws a `JournalError`.
 */
export async function createRunFolder(environment: NodeJS.ProcessEnv): Promise<RunPaths> {
  const runs = runsFolder(environment);
  const name = `${new Date().toISOString().replaceAll(/[:.]/g, '-')}-${randomUUID().slice(0, 8)}`;
  try {
    await makeFolder(join(runs, name), 0o700);
  } catch (error) {
    throw new JournalError(
      `can't keep the run in ${runs}: ${systemReason(error)}`,
      'Give the results a file with -o, or set XDG_STATE_HOME to a folder that can be written.',
    );
  }
  await removeOldRuns(runs);
  return pathsOf(join(runs, name, outputName));
}

/** Whether the run that wrote this output sent its results to stdout. */
export const isInRunFolder = (output: string, environment: NodeJS.ProcessEnv): boolean =>
  realPathOf(output).startsWith(join(realPathOf(runsFolder(environment)), '/'));

const monthMs = 30 * 86_400_000;

async function removeOldRuns(runs: string): Promise<void> {
  for (const name of await readdir(runs).catch(() => [])) {
    const folder = join(runs, name);
    const changed = await Promise.all(filesThatChange(folder).map((path) => stat(path).catch(() => null)));
    const newestMs = Math.max(0, ...changed.map((found) => found?.mtimeMs ?? 0));
    const isOld = newestMs > 0 && Date.now() - newestMs > monthMs;
    if (isOld) await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

function filesThatChange(folder: string): string[] {
  const { manifest, earlierManifests } = pathsOf(join(folder, outputName));
  return [folder, manifest, ...earlierManifests];
}
