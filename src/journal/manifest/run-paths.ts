import { basename, dirname, join, resolve } from 'node:path';
import type { Shard } from '../../data/shard.ts';
import { realPathOf } from '../../files/real-path.ts';

/** Where the files of one run lie. Each name holds the whole name of the output, so that no two outputs share one. */
export interface RunPaths {
  /** The real path of the output, whichever links lead to it. */
  output: string;
  manifest: string;
  /** The file that standard input is kept in, so that it can be read again. */
  spool: string;
  /** The log of an engine that writes much. */
  engineLog: string;
  /** Where llmbatch 0.1 may have kept the manifest: its name had no `.jsonl`, and it lay beside a link to the output. */
  earlierManifests: readonly string[];
}

/** What the name of an input ends in, and that of its results does not. */
const inputEnding = /(?<=[^/])(?:\.(?:jsonl|ndjson|json|csv|tsv|tab|txt|parquet))?(?:\.gz)?$/i;

/**
 * The output that an input has by default: `questions.results.jsonl` beside `questions.jsonl`, or
 * `questions.jsonl.gz`; of a shard `questions.results.2-of-3.jsonl`.
 */
export function outputPathFor(input: string, shard: Shard | null = null): string {
  const part = shard === null ? '' : `.${shard.index}-of-${shard.count}`;
  return join(dirname(input), `${basename(input).replace(inputEnding, '')}.results${part}.jsonl`);
}

/** The shard that an output is of by its name, in the form of `outputPathFor`; null where it has another name. */
export function shardInName(output: string): Shard | null {
  const [, index, count] = /\.(\d{1,7})-of-(\d{1,7})\.jsonl$/.exec(output) ?? [];
  const shard = { index: Number(index), count: Number(count) };
  return shard.index >= 1 && shard.index <= shard.count ? shard : null;
}

const outputEnding = '.jsonl';

/** The files of the run that writes an output, each by its real path. */
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
