import { hash } from 'node:crypto';

/** One of several parts of an input, each for a run of its own. `index` counts from 1. */
export interface Shard {
  index: number;
  count: number;
}

/** `2/3`, as `--shard` takes it. */
export const shardFlag = ({ index, count }: Shard): string => `${index}/${count}`;

/** `shard 2 of 3`, as messages call it. */
export const shardName = ({ index, count }: Shard): string => `shard ${index} of ${count}`;

/**
 * The shard that a request belongs to, from 1: the SHA-256 of its id in UTF-8, as one large number, modulo `count`. It
 * hangs on the id alone, so that the requests of an input that grows stay in their shards, and any program can tell it.
 */
export function shardOf(id: string, count: number): number {
  const digest = hash('sha256', id, 'buffer');
  let rest = 0;
  // Two bytes at a time, so that no intermediate number is too large to be exact.
  for (let at = 0; at < digest.length; at += 2) rest = (rest * 65_536 + digest.readUInt16BE(at)) % count;
  return rest + 1;
}

/** Whether a request is of this shard; null is the whole. */
export const isInShard = (id: string, shard: Shard | null): boolean =>
  shard === null || shardOf(id, shard.count) === shard.index;
