import { shardOf } from '../../data/shard.ts';
import type { Manifest } from '../../journal/manifest/manifest.ts';
import { formatInteger, quoteForShell } from '../../text/format.ts';
import type { MergedOutput } from './outputs.ts';

/** What is not there of the shards that were merged. */
export interface ShardReport {
  count: number;
  /** Shards of which no output was named, from 1. */
  missing: number[];
  unfinished: UnfinishedShard[];
}

interface UnfinishedShard {
  index: number;
  output: string;
  /** Its requests that have a result. */
  done: number;
  /** Its requests; null where they are not known. */
  total: number | null;
}

export interface ShardCounter {
  /** Counts a request that has a result, in whichever output. */
  add: (id: string) => void;
  report: () => ShardReport;
}

/** Counts the results of each shard, to tell what is not there of it. Null where no output is a shard. */
export function createShardCounter(outputs: readonly MergedOutput[]): ShardCounter | null {
  const count = outputs.find(({ shard }) => shard !== null)?.shard?.count;
  if (count === undefined) return null;
  const done = new Map<number, number>();
  return {
    add(id) {
      const index = shardOf(id, count);
      done.set(index, (done.get(index) ?? 0) + 1);
    },
    report() {
      // Of several outputs of one shard, the one that knows of the largest number of requests tells.
      const byIndex = new Map<number, MergedOutput>();
      for (const output of outputs) {
        const index = output.shard?.index;
        if (index === undefined) continue;
        const known = byIndex.get(index);
        if (known === undefined || (totalOf(output) ?? -1) > (totalOf(known) ?? -1)) byIndex.set(index, output);
      }
      const all = Array.from({ length: count }, (_, at) => at + 1);
      const unfinished = [...byIndex].map(([index, output]) => ({
        index,
        output: output.path,
        done: done.get(index) ?? 0,
        total: totalOf(output),
      }));
      return {
        count,
        missing: all.filter((index) => !byIndex.has(index)),
        unfinished: unfinished
          .filter((shard) => shard.total === null || shard.done < shard.total)
          .toSorted((left, right) => left.index - right.index),
      };
    },
  };
}

/** The requests of a shard; null where its manifest is not there, or was written before all of them were known. */
function totalOf({ manifest }: MergedOutput): number | null {
  if (manifest === null || !manifest.input.complete) return null;
  return manifest.settings.sample === null ? linesOf(manifest) : (manifest.summary?.progress.total ?? null);
}

const linesOf = ({ input }: Manifest): number => input.requests + input.rejected;

/** Tells what is not there, a sentence for each shard that it is about. */
export function describeShards({ count, missing, unfinished }: ShardReport): string[] {
  return [
    ...missing.map(
      (index) =>
        `shard ${index} of ${count} is missing: run it as the others were, with --shard ${index}/${count}, and merge again`,
    ),
    ...unfinished.map(({ index, output, done, total }) => {
      const resume = `llmbatch resume ${quoteForShell(output)}`;
      return total === null
        ? `shard ${index} of ${count} may lack results: its number of requests is unknown, because there is no complete manifest beside ${output}`
        : `shard ${index} of ${count} is not finished: ${formatInteger(total - done)} of its ${formatInteger(total)} requests have no result. Continue with: ${resume}`;
    }),
  ];
}
