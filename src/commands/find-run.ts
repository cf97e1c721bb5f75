import { UsageError } from '../core/errors.ts';
import { type FoundRun, findRuns, placesOf } from '../journal/run-places.ts';
import { readManifest } from '../journal/manifest.ts';

/** The run of an output, or without one the newest run of this folder that is wanted. */
export async function findRun(
  output: string | undefined,
  { what, isWanted }: { what: string; isWanted: (run: FoundRun) => boolean },
): Promise<FoundRun> {
  if (output !== undefined) {
    const manifestPath = placesOf(output).manifest;
    const manifest = await readManifest(manifestPath);
    if (manifest !== null) return { manifestPath, manifest };
    throw new UsageError(
      `no run wrote ${output}: there is no ${manifestPath}`,
      'Name the output of a run, or start one.',
    );
  }
  const found = (await findRuns(process.cwd(), process.env)).find(isWanted);
  if (found !== undefined) return found;
  throw new UsageError(`${what} was started in this folder`, 'Name an output, or start one with: llmbatch run <input>');
}
