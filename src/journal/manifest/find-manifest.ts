import { basename } from 'node:path';
import { type Manifest, readManifest } from './manifest.ts';
import type { RunPaths } from './run-paths.ts';

/** A run that was found by its manifest. */
export interface FoundRun {
  /** Where the output lies now. The manifest may name another place, from which it was moved. */
  output: string;
  manifestPath: string;
  manifest: Manifest;
}

/** What the name of a manifest ends in, behind that of its output. */
export const manifestEnding = '.run.json';

/** Finds the manifest of an output, by its name or by the one that llmbatch 0.1 gave it; null where there is none. Throws a `JournalError` where a file of that name is not a manifest. */
export async function findManifest(paths: RunPaths): Promise<FoundRun | null> {
  const { output } = paths;
  const manifest = await readManifest(paths.manifest);
  if (manifest !== null && outputOf(paths.manifest, manifest) === output) {
    return { output, manifestPath: paths.manifest, manifest };
  }
  for (const manifestPath of paths.earlierManifests) {
    const earlier = await readManifest(manifestPath).catch(() => null);
    if (earlier !== null && isEarlier(manifestPath, earlier)) return { output, manifestPath, manifest: earlier };
  }
  return null;
}

/** The output that a manifest lies beside. */
export function outputOf(manifestPath: string, manifest: Manifest): string {
  const stem = manifestPath.slice(0, -manifestEnding.length);
  return isEarlier(manifestPath, manifest) ? `${stem}.jsonl` : stem;
}

/** Whether a manifest has the name that llmbatch 0.1 gave it. `foo` and `foo.jsonl` shared it, so the manifest's word counts. */
const isEarlier = (manifestPath: string, { output }: Manifest): boolean =>
  basename(output) === `${basename(manifestPath, manifestEnding)}.jsonl`;
