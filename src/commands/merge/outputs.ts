import { basename, join } from 'node:path';
import type { Shard } from '../../data/shard.ts';
import { translateHosted } from './hosted/translate.ts';
import { findManifest } from '../../journal/manifest/find-manifest.ts';
import type { Manifest } from '../../journal/manifest/manifest.ts';
import { pathsOf, shardInName } from '../../journal/manifest/run-paths.ts';

/** An output that is to be merged, and what is known of the run that wrote it. */
export interface MergedOutput {
  /** As it was named. */
  path: string;
  /** The file with its lines: another one where they were those of a hosted service. */
  file: string;
  /** Null where none lies beside the output, or it can't be read. */
  manifest: Manifest | null;
  /** What it answers, as far as its manifest or the map of a conversion tells. */
  input: AnsweredInput | null;
  /** The part of an input that it answers: as the manifest says, else its name; null: all of it. */
  shard: Shard | null;
  /** Lines of a hosted service that are no results of what was sent. */
  leftOut: number;
}

type AnsweredInput = Pick<Manifest['input'], 'path' | 'sha256'>;

/** Finds what is known of the outputs, and turns those of hosted services into lines of ours, in the scratch folder. */
export async function findOutputs(paths: readonly string[], scratch: string): Promise<MergedOutput[]> {
  const outputs: MergedOutput[] = [];
  for (const [index, path] of paths.entries()) outputs.push(await findOutput(path, join(scratch, `${index}.jsonl`)));
  return outputs;
}

async function findOutput(path: string, scratch: string): Promise<MergedOutput> {
  const run = await findManifest(pathsOf(path)).catch(() => null);
  if (run !== null) {
    const { manifest } = run;
    return { path, file: path, manifest, input: manifest.input, shard: manifest.shard, leftOut: 0 };
  }
  const hosted = await translateHosted(path, scratch);
  const found = hosted === null ? { file: path, input: null, leftOut: 0 } : { ...hosted, file: hosted.path };
  return { ...found, path, manifest: null, shard: shardInName(path) };
}

/** Returns for each output the number of the first one that answers the same input; null where nothing says which. */
export const numberInputs = (outputs: readonly MergedOutput[]): (number | null)[] =>
  outputs.map((output) => {
    const number = outputs.findIndex((other) => answersSame(output, other));
    return number === -1 ? null : number;
  });

function answersSame(output: MergedOutput, other: MergedOutput): boolean {
  if (output.input !== null && other.input !== null) return isSame(output.input, other.input);
  // A shard that was copied without its manifest is known by its name.
  return output.shard !== null && other.shard !== null && nameOf(output) === nameOf(other);
}

const nameOf = ({ path }: MergedOutput): string => basename(path).replace(/\.\d+-of-\d+\.jsonl$/, '');

/** A file may have grown between its runs, or lie elsewhere; of standard input only the bytes tell. */
const isSame = (input: AnsweredInput, other: AnsweredInput): boolean =>
  input === other ||
  (input.path !== '-' && input.path === other.path) ||
  (input.sha256 !== '' && input.sha256 === other.sha256);
