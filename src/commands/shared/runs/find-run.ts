import { UsageError } from '../../../core/errors.ts';
import { type FoundRun, findManifest } from '../../../journal/manifest/find-manifest.ts';
import { isLockedByLiveProcess } from '../../../journal/lock.ts';
import type { Manifest } from '../../../journal/manifest/manifest.ts';
import { pathsOf } from '../../../journal/manifest/run-paths.ts';
import { findRuns } from '../../../journal/manifest/started-runs.ts';
import { askForNearOutput } from './near-output.ts';

/** The run of an output, or without one the newest run of this folder that is wanted. */
export async function findRun(
  output: string | undefined,
  { what, isWanted }: { what: string; isWanted: (run: FoundRun) => boolean },
): Promise<FoundRun> {
  if (output !== undefined) {
    const paths = pathsOf(output);
    const found = await findManifest(paths);
    if (found !== null) return found;
    throw new UsageError(
      `no run wrote ${output}: there is no ${paths.manifest}`,
      `${await askForNearOutput(output)}Name the output of a run, or start one. For results without their manifest, use the run command that made them.`,
    );
  }
  const found = (await findRuns(process.cwd(), process.env)).find(isWanted);
  if (found !== undefined) return found;
  throw new UsageError(`${what} was started in this folder`, 'Name an output, or start one with: llmbatch run <input>');
}

/** The state of a run at this moment: where its process was killed, its manifest still says that it runs. */
export async function stateOf({ output, manifest: { state } }: FoundRun): Promise<Manifest['state']> {
  return state === 'running' && !(await isLockedByLiveProcess(output)) ? 'stopped' : state;
}
