import type { PromptLengths } from '../../core/backend.ts';
import { isWanted, rowStates } from '../../data/row-table.ts';
import { type RunInput, readRequests } from '../read-input.ts';

/** Number of the longest lines that are counted: the bytes of a token differ only a little from line to line. */
const longestRows = 3;
const usualShare = 0.99;

/**
 * Finds the longest and the usual prompts of a model's requests, answered ones included, so that a resume finds the
 * same. Null while the input is being read.
 */
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
    const isRequest = state !== rowStates.rejected && isWanted(state);
    if (isRequest && groups[table.group(row)]?.model === model) rows[count++] = row;
  }
  return rows.slice(0, count).toSorted((left, right) => table.length(right) - table.length(left));
}
