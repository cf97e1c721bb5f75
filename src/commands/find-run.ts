import { UsageError } from '../core/errors.ts';
import { type FoundRun, findManifest } from '../journal/find-manifest.ts';
import { placesOf } from '../journal/run-places.ts';
import { findRuns } from '../journal/started-runs.ts';

/** The run of an output, or without one the newest run of this folder that is wanted. */
export async function findRun(
  output: string | undefined,
  { what, isWanted }: { what: string; isWanted: (run: FoundRun) => boolean },
): Promise<FoundRun> {
  if (output !== undefined) {
    const places = placesOf(output);
    const found = await findManifest(places);
    if (found !== null) return found;
    throw new UsageError(
      `no run wrote ${output}: there is no ${places.manifest}`,
      'Name the output of a run, or start one. Results without their manifest are taken up by the run command that made them.',
    );
  }
  const found = (await findRuns(process.cwd(), process.env)).find(isWanted);
  if (found !== undefined) return found;
  throw new UsageError(`${what} was started in this folder`, 'Name an output, or start one with: llmbatch run <input>');
}
