import { basename, dirname, join, relative, resolve } from 'node:path';
import { exists } from '../../../files/exists.ts';
import { realPathOf } from '../../../files/real-path.ts';
import type { Manifest } from '../../../journal/manifest/manifest.ts';
import type { RunPaths } from '../../../journal/manifest/run-paths.ts';

/**
 * Path of the input of a run; `-` for standard input. A run that was moved as a whole finds its input in the same place as
 * seen from its output; its fingerprint is compared. Null where it is gone.
 */
export async function findInput({ input, output }: Manifest, paths: RunPaths): Promise<string | null> {
  if (input.path === '-' || (await exists(input.path))) return input.path;
  const way = relative(dirname(realPathOf(output)), realPathOf(input.path));
  const moved = resolve(dirname(paths.output), way);
  return (await exists(moved)) ? moved : null;
}

/** Path of what was kept of standard input, beside the output; null where it is gone. */
export async function findSpool({ input: { spool } }: Manifest, paths: RunPaths): Promise<string | null> {
  if (spool === null || (await exists(paths.spool))) return paths.spool;
  const moved = join(dirname(paths.output), basename(spool));
  return (await exists(moved)) ? moved : null;
}
