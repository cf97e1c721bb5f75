import { basename } from 'node:path';
import type { Shard } from '../../data/shard.ts';
import { findManifest } from '../../journal/manifest/find-manifest.ts';
import type { Manifest } from '../../journal/manifest/manifest.ts';
import { pathsOf, shardInName } from '../../journal/manifest/run-paths.ts';

/** An output that is to be merged, and what is known of the run that wrote it. */
export interface MergedOutput {
  path: string;
  /** Null where none lies beside the output, or it can't be read. */
  manifest: Manifest | null;
  /** The part of an input that it answers: as the manifest says, else its name; null: all of it. */
  shard: Shard | null;
}

export const findOutputs = (paths: readonly string[]): Promise<MergedOutput[]> =>
  Promise.all(
    paths.map(async (path) => {
      const manifest = (await findManifest(pathsOf(path)).catch(() => null))?.manifest ?? null;
      return { path, manifest, shard: manifest === null ? shardInName(path) : manifest.shard };
    }),
  );

/** Returns for each output the number of the first one that answers the same input; null where nothing says which. */
export const numberInputs = (outputs: readonly MergedOutput[]): (number | null)[] =>
  outputs.map((output) => {
    const number = outputs.findIndex((other) => answersSame(output, other));
    return number === -1 ? null : number;
  });

function answersSame(output: MergedOutput, other: MergedOutput): boolean {
  if (output.manifest !== null && other.manifest !== null) return isSame(output.manifest.input, other.manifest.input);
  // A shard that was copied without its manifest is known by its name.
  return output.shard !== null && other.shard !== null && nameOf(output) === nameOf(other);
}

const nameOf = ({ path }: MergedOutput): string => basename(path).replace(/\.\d+-of-\d+\.jsonl$/, '');

type Input = Manifest['input'];

/** A file may have grown between its runs, or lie elsewhere; of standard input only the bytes tell. */
const isSame = (input: Input, other: Input): boolean =>
  input === other ||
  (input.path !== '-' && input.path === other.path) ||
  (input.sha256 !== '' && input.sha256 === other.sha256);
