import type { Backend } from '../../core/backend.ts';
import { formatInteger, formatPercent } from '../../text/format.ts';
import { type BatchRequest, isSystem, systemPromptOf } from '../../core/request.ts';
import { rowStates } from '../../data/row-table.ts';
import { type RunInput, readRequests } from '../read-input.ts';

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
  const [first] = await readRequests(input, [largest.firstRow]);
  const samples = await readRequests(input, spreadRequests(input));
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

function spreadRequests({ scan: { table } }: RunInput): number[] {
  const step = table.size / countedRows;
  const rows = Array.from({ length: countedRows }, (_, index) => Math.floor(index * step + step / 2));
  return rows.filter((row) => table.state(row) !== rowStates.rejected);
}

/** Tokens that the system prompt adds to the prompt, without those of the template around it. */
async function systemTokens(request: BatchRequest, count: Count): Promise<number> {
  const messages = request.body.messages ?? [];
  const short = messages.map((message, index) =>
    index === 0 && isSystem(message) ? { ...message, content: systemPromptOf(request.body).slice(0, 1) } : message,
  );
  return (await count(request)) - (await count({ ...request, body: { ...request.body, messages: short } })) + 1;
}
