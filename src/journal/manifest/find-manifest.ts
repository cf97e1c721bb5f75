import { basename } from 'node:path';
import { type Manifest, readManifest } from './manifest.ts';
import type { RunPaths } from './run-paths.ts';

export interface FoundRun {
  /** Where the output lies now; the manifest may name a place that it was moved from. */
  output: string;
  manifestPath: string;
  manifest: Manifest;
}

const ending = '.run.json';

/** The manifest of an output, under its own name or that of llmbatch 0.1; null where it has none. */
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
  const stem = manifestPath.slice(0, -ending.length);
  return isEarlier(manifestPath, manifest) ? `${stem}.jsonl` : stem;
}

/** llmbatch 0.1 gave `foo` and `foo.jsonl` the same name for it: it belongs to the one that it names. */
const isEarlier = (manifestPath: string, { output }: Manifest): boolean =>
  basename(output) === `${basename(manifestPath, ending)}.jsonl`;
