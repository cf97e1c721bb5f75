import { readItems } from '../input/read-items.ts';
import type { Partition } from '../scheduler/queue/partitions.ts';
import type { RunInput } from './read-input.ts';

/** Requests of small groups that make a partition together: each partition is read by itself. */
const minRows = 256;

/**
 * The rows, in their order, as partitions for so many servers: a server stays with the system prompts that its prefix cache has.
 * One server needs one partition.
 */
export function partitionRows({ handle, scan }: RunInput, rows: Uint32Array, servers: number): Partition[] {
  const cuts = servers === 1 ? [0] : cutsBetweenGroups(rows, scan.table);
  return cuts.map((from, index) => {
    const own = rows.subarray(from, cuts[index + 1]);
    return { size: own.length, items: readItems(handle, scan, own) };
  });
}

/** Where partitions begin: at a group's beginning, and not before the partition that goes on there has enough rows. */
function cutsBetweenGroups(rows: Uint32Array, table: { group: (row: number) => number }): number[] {
  const cuts = [0];
  for (let index = 1; index < rows.length; index++) {
    const isNewGroup = table.group(rows[index]!) !== table.group(rows[index - 1]!);
    if (isNewGroup && index - cuts.at(-1)! >= minRows) cuts.push(index);
  }
  return cuts;
}
