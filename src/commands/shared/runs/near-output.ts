import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { manifestEnding } from '../../../journal/manifest/find-manifest.ts';
import { outputPathFor } from '../../../journal/manifest/run-paths.ts';
import { nearest } from '../../../text/nearest.ts';

/**
 * Asks whether the output of another run was meant: the one of the input that was named instead, or one with almost this name in
 * the same folder. Empty where there is none.
 */
export async function askForNearOutput(path: string): Promise<string> {
  const names = await readdir(dirname(path)).catch(() => []);
  const outputs = names
    .filter((name) => name.endsWith(manifestEnding))
    .map((name) => name.slice(0, -manifestEnding.length));
  const ofInput = basename(outputPathFor(path));
  const near = outputs.includes(ofInput) ? ofInput : nearest(basename(path), outputs);
  return near === null || near === basename(path) ? '' : `Did you mean ${join(dirname(path), near)}? `;
}
