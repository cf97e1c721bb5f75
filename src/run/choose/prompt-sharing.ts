import type { Backend, PromptLengths } from '../../core/backend.ts';
import { formatInteger, formatPercent } from '../../text/format.ts';
import { type BatchRequest, isRejected, isSystem, systemPromptOf } from '../../core/request.ts';
import { rowStates } from '../../data/row-table.ts';
import { readItems } from '../../input/read-items.ts';
import type { RunInput } from '../read-input.ts';

/** Requests that are counted, spread over the input; each costs its prompt once. */
const countedRows = 5;
/** Smallest number of requests that is worth the counting. */
const minRequests = 50;

/**
 * Describes how many of the prompt tokens are system prompts that several requests share, which a prefix cache can
 * save. The engine counts a few requests, and the count is multiplied. Null where the engine does not count, or the
 * input is short.
 */
export async function describeSharing(
  input: RunInput,
  { inspection }: Backend,
  signal: AbortSignal,
): Promise<string | null> {
  const { groups, counts } = input.scan;
  const [largest] = groups.toSorted((left, right) => right.requests - left.requests);
  const shared = groups.filter(({ requests, systemPromptLength }) => requests > 1 && systemPromptLength > 1);
  const isWorthIt = input.isComplete() && counts.requests >= minRequests && shared.length > 0;
  if (!isWorthIt || largest === undefined || inspection?.countPrompt === undefined) return null;
  const count: Count = async (request) => (await inspection.countPrompt?.(request, signal)) ?? Number.NaN;
  const [first] = await readRows(input, [largest.firstRow]);
  const samples = await readRows(input, spreadRows(input));
  if (first === undefined || samples.length === 0) return null;
  const all = (await usualTokens(samples, count)) * counts.requests;
  const sharedLength = shared.reduce((sum, group) => sum + group.requests * group.systemPromptLength, 0);
  const same = Math.min(all, (sharedLength / largest.systemPromptLength) * (await systemTokens(first, count)));
  // A prompt that could not be counted makes the sum NaN.
  if (Number.isNaN(same)) return null;
  return `prompts: about ${formatInteger(same)} of ${formatInteger(all)} prompt tokens are shared (${formatPercent(same / all)}; counted by the engine on ${samples.length} requests)`;
}

/** NaN where the engine does not count. */
type Count = (request: BatchRequest) => Promise<number>;

/** The median: one line that is far longer than the others would make a mean of five say anything. */
async function usualTokens(requests: readonly BatchRequest[], count: Count): Promise<number> {
  const tokens: number[] = [];
  for (const request of requests) tokens.push(await count(request));
  return tokens.toSorted((left, right) => left - right)[Math.floor(tokens.length / 2)] ?? Number.NaN;
}

function spreadRows({ scan: { table } }: RunInput): number[] {
  const step = table.size / countedRows;
  const rows = Array.from({ length: countedRows }, (_, index) => Math.floor(index * step + step / 2));
  return rows.filter((row) => table.state(row) !== rowStates.rejected);
}

async function readRows({ handle, scan }: RunInput, rows: readonly number[]): Promise<BatchRequest[]> {
  const requests: BatchRequest[] = [];
  for await (const items of readItems(handle, scan, rows)) {
    for (const { read } of items) if (!isRejected(read)) requests.push(read);
  }
  return requests;
}

/** Tokens that the system prompt adds to the prompt, without those of the template around it. */
async function systemTokens(request: BatchRequest, count: Count): Promise<number> {
  const messages = request.body.messages ?? [];
  const short = messages.map((message, index) =>
    index === 0 && isSystem(message) ? { ...message, content: systemPromptOf(request.body).slice(0, 1) } : message,
  );
  return (await count(request)) - (await count({ ...request, body: { ...request.body, messages: short } })) + 1;
}

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
