import { type BatchRequest, isRejected } from '../core/request.ts';
import { rowStates } from '../core/row-table.ts';
import { readItems } from '../input/read-items.ts';
import type { RunInput } from './read-input.ts';

/** So many are enough: bytes a token differ a little from line to line, not by much. */
const kept = 3;

/** The longest open requests of a model, by the bytes of their lines, the longest first. Empty while the input is being read. */
export async function longestRequests(input: RunInput, model: string): Promise<BatchRequest[]> {
  if (!input.isComplete()) return [];
  const requests: BatchRequest[] = [];
  for await (const items of readItems(input.handle, input.scan, longestRows(input, model))) {
    for (const { read } of items) if (!isRejected(read)) requests.push(read);
  }
  return requests;
}

function longestRows({ scan: { table, groups } }: RunInput, model: string): number[] {
  const longest: number[] = [];
  for (let row = 0; row < table.size; row++) {
    if (table.state(row) !== rowStates.open || groups[table.group(row)]?.model !== model) continue;
    if (longest.length === kept && table.length(row) <= table.length(longest.at(-1) ?? 0)) continue;
    longest.push(row);
    longest.sort((left, right) => table.length(right) - table.length(left));
    longest.length = Math.min(longest.length, kept);
  }
  return longest;
}
