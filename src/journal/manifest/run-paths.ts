import { basename, dirname, extname, join, resolve } from 'node:path';
import { realPathOf } from '../../files/real-path.ts';

/** Where the files of one run lie. Each name holds the whole name of the output, so that no two outputs share one. */
export interface RunPaths {
  /** The real path, whichever links lead to it. */
  output: string;
  manifest: string;
  /** Standard input, as a file that can be read again. */
  spool: string;
  /** What an engine that talks much has said. */
  engineLog: string;
  /** Where llmbatch 0.1 kept the manifest: without the `.jsonl` of the output, and beside the link where it was one. */
  earlierManifests: readonly string[];
}

const inputEndings = new Set(['.jsonl', '.ndjson', '.json', '.csv', '.txt']);

/** What an input is taken for by its name. */
export const formatOf = (input: string): 'csv' | 'jsonl' => (extname(input).toLowerCase() === '.csv' ? 'csv' : 'jsonl');

/** `mine.jsonl` → `mine.results.jsonl`, beside it. */
export function outputPathFor(input: string): string {
  const ending = inputEndings.has(extname(input)) ? extname(input) : '';
  return join(dirname(input), `${basename(input, ending)}.results.jsonl`);
}

const outputEnding = '.jsonl';

export function pathsOf(outputPath: string): RunPaths {
  const output = realPathOf(outputPath);
  const names = new Set([output, resolve(outputPath)].filter((name) => name.endsWith(outputEnding)));
  return {
    output,
    manifest: `${output}.run.json`,
    spool: `${output}.run.input`,
    engineLog: `${output}.engine.log`,
    earlierManifests: [...names].map((name) => `${name.slice(0, -outputEnding.length)}.run.json`),
  };
}
