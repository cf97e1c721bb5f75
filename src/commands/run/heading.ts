import { shardName } from '../../data/shard.ts';
import type { RunRequest } from '../../run/run-request.ts';

/** What the display of a run is headed by: `candidates.jsonl, shard 2 of 3`. */
export function headingOf({ input, shard = null }: Pick<RunRequest, 'input' | 'shard'>): string {
  const name = input === '-' ? 'stdin' : input;
  return shard === null ? name : `${name}, ${shardName(shard)}`;
}
