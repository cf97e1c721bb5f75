import type { PromptLengths } from '../core/backend.ts';
import { type BatchRequest, isRejected } from '../core/request.ts';
import { rowStates } from '../core/row-table.ts';
import { readItems } from '../input/read-items.ts';
import type { RunInput } from './read-input.ts';

/** So many of the longest lines: bytes a token differ a little from line to line, not by much. */
const longestRows = 3;
const usualShare = 0.99;

/** How long the prompts of a model's requests are, answered ones included, so that a resume finds the same. Null while the input is being read. */
export async function promptLengths(input: RunInput, model: string): Promise<PromptLengths | null> {
  if (!input.isComplete()) return null;
  const rows = rowsByLength(input, model);
  const usual = rows[Math.floor(rows.length * (1 - usualShare))];
  if (usual === undefined) return null;
  const [usualRequest] = await readRequests(input, [usual]);
  if (usualRequest === undefined) return null;
  return { longest: await readRequests(input, rows.slice(0, longestRows)), usual: usualRequest };
}

/** The longest first. */
function rowsByLength({ scan: { table, groups } }: RunInput, model: string): Uint32Array {
  const rows = new Uint32Array(table.size);
  let count = 0;
  for (let row = 0; row < table.size; row++) {
    const state = table.state(row);
    const isRequest = state !== rowStates.rejected && state !== rowStates.left;
    if (isRequest && groups[table.group(row)]?.model === model) rows[count++] = row;
  }
  return rows.slice(0, count).toSorted((left, right) => table.length(right) - table.length(left));
}

async function readRequests({ handle, scan }: RunInput, rows: Iterable<number>): Promise<BatchRequest[]> {
  const requests: BatchRequest[] = [];
  for await (const items of readItems(handle, scan, rows)) {
    for (const { read } of items) if (!isRejected(read)) requests.push(read);
  }
  return requests;
}
