import { type FileHandle, stat } from 'node:fs/promises';
import { JournalError, UsageError } from '../../core/errors.ts';
import { realPathOf } from '../../files/real-path.ts';
import { removeDrafts, replaceFile } from '../../files/replace-file.ts';
import { findManifest } from '../../journal/manifest/find-manifest.ts';
import type { Manifest } from '../../journal/manifest/manifest.ts';
import { outputPathFor, pathsOf } from '../../journal/manifest/run-paths.ts';
import { endOnSignals } from '../shared/end-on-signals.ts';

/** Writes the file of an export as a whole. Throws where it is a file of a run, or already exists. */
export async function writeTarget<Result>(
  output: string,
  target: { output: string; overwrite: boolean },
  manifest: Manifest | null,
  write: (draft: FileHandle) => Promise<Result>,
): Promise<Result> {
  const path = realPathOf(target.output);
  await refuseFilesOfRuns(path, output, manifest);
  const found = await stat(path).catch(() => null);
  if (found !== null && !found.isFile()) throw new JournalError(`${target.output} is not a regular file`);
  if (found !== null && !target.overwrite) {
    throw new JournalError(`${target.output} already exists`, 'Choose another -o, or replace it with --overwrite.');
  }
  // A new file may be read by those only who may read the results.
  const rights = found ?? { mode: (await stat(output)).mode & 0o666 & ~process.umask() };
  return endOnSignals(
    () => removeDrafts(path),
    () => replaceFile(path, rights, write),
  );
}

async function refuseFilesOfRuns(path: string, output: string, manifest: Manifest | null): Promise<void> {
  const paths = pathsOf(output);
  const isInput = path === paths.output || path === realPathOf(manifest?.input.path ?? '');
  if (isInput || pathsOf(outputPathFor(path)).output === paths.output) {
    throw new UsageError(
      `${path} is ${path === paths.output ? 'the output' : 'the input'} of the run`,
      'Choose another -o.',
    );
  }
  const isOfRun =
    path.startsWith(`${paths.output}.`) && /\.(run\.json|run\.input|engine\.log|torn|old|lock)$/.test(path);
  const isOutput = (await findManifest(pathsOf(path)).catch(() => null)) !== null;
  if (isOfRun || isOutput) throw new UsageError(`${path} is a file of a run`, 'Choose another -o.');
}
