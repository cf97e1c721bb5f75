import type { GenerateContext } from '../../../core/backend.ts';
import type { Failure } from '../../../core/completion.ts';
import { isRecord } from '../../../data/is-record.ts';
import { GarbledLine } from '../http/http.ts';
import type { AnswerPart, WireToolCall } from '../http/wire.ts';

/** The answer that a stream gave. */
export interface Streamed {
  text: string;
  thinking: string;
  toolCalls: WireToolCall[];
  logprobs: unknown[];
  /** The line with `done: true` and the counters; null where the stream ended without one: the answer is not whole. */
  last: AnswerPart | null;
  /** Number of times in a row that the last piece of text came. */
  repeats: number;
  /** The answer repeats itself without end, and was read no further. */
  runAway: Failure | null;
}

type Signs = Pick<GenerateContext, 'onActivity' | 'onFirstToken' | 'onToken'>;

/**
 * Reads a stream to its end, or until `watch` says that there will be none. Throws what the server says in the middle of
 * it, and what breaks the connection.
 */
export async function readStream(
  parts: AsyncIterable<AnswerPart>,
  signs: Signs,
  watch: (piece: string) => Failure | null = () => null,
): Promise<Streamed> {
  const read: Streamed = { text: '', thinking: '', toolCalls: [], logprobs: [], last: null, repeats: 0, runAway: null };
  const seen = { hasToken: false, piece: '' };
  try {
    for await (const part of parts) {
      const piece = addPart(read, part);
      const isEnd = part.done === true;
      tell(signs, tokensIn(part), isEnd);
      if (!seen.hasToken && hasToken(read)) {
        seen.hasToken = true;
        signs.onFirstToken();
      }
      if (isEnd) read.last = withTrueCounts(part);
      else countRepeat(read, seen, piece.trim());
      read.runAway = watch(thoughtIn(part) + piece);
      if (read.runAway !== null) return read;
    }
  } catch (error) {
    // The package's word for a clean end of the stream without `done: true`.
    if (error instanceof Error && error.message.startsWith('Did not receive done')) return read;
    throw error;
  }
  return read;
}

/**
 * Tells the scheduler of a sign of life. A line without content is none: a proxy may repeat such lines while the server
 * is gone.
 */
function tell({ onActivity, onToken }: Signs, tokens: number, isEnd: boolean): void {
  if (tokens > 0) onToken?.(tokens);
  if (tokens > 0 || isEnd) onActivity();
}

/** Tokens of a line: as many as have logprobs in it, else one where it says something. */
function tokensIn(part: AnswerPart): number {
  const { message, logprobs = [] } = part;
  const calls = message?.tool_calls ?? [];
  return Math.max(logprobs.length, Number(textOf(part) + thoughtIn(part) !== '' || calls.length > 0));
}

const counters = [
  'total_duration',
  'load_duration',
  'prompt_eval_count',
  'prompt_eval_cached_count',
  'prompt_eval_duration',
  'eval_count',
  'eval_duration',
] as const;

/** Counts and times that can't be are not there. */
function withTrueCounts(part: AnswerPart): AnswerPart {
  const last = { ...part };
  for (const counter of counters) {
    const count = last[counter];
    if (count !== undefined && (!Number.isSafeInteger(count) || count < 0)) delete last[counter];
  }
  return last;
}

/** Are all fields that are used here of their types? */
function isPart(part: AnswerPart): boolean {
  const { message = {}, response, thinking, logprobs = [] } = part;
  if (!isRecord(message)) return false;
  const { content, thinking: thought, tool_calls: calls = [] } = message;
  return (
    [content, thought, response, thinking, part.done_reason].every(isText) &&
    counters.every((counter) => isCount(part[counter])) &&
    Array.isArray(logprobs) &&
    Array.isArray(calls) &&
    calls.every(isToolCall)
  );
}

const isText = (value: unknown): boolean => value === undefined || typeof value === 'string';
const isCount = (value: unknown): boolean => value === undefined || typeof value === 'number';

const isToolCall = (call: unknown): boolean =>
  isRecord(call) && isRecord(call['function']) && typeof call['function']['name'] === 'string';

function addPart(read: Streamed, part: AnswerPart): string {
  if (!isPart(part)) throw new GarbledLine(JSON.stringify(part));
  const { message, logprobs = [] } = part;
  const piece = textOf(part);
  read.text += piece;
  read.thinking += thoughtIn(part);
  for (const call of message?.tool_calls ?? []) read.toolCalls.push(call);
  for (const logprob of logprobs) read.logprobs.push(logprob);
  return piece;
}

const textOf = ({ message, response }: AnswerPart): string => message?.content ?? response ?? '';

const thoughtIn = ({ message, thinking }: AnswerPart): string => message?.thinking ?? thinking ?? '';

const hasToken = ({ text, thinking, toolCalls }: Streamed): boolean =>
  text !== '' || thinking !== '' || toolCalls.length > 0;

function countRepeat(read: Streamed, seen: { piece: string }, piece: string): void {
  read.repeats = piece === seen.piece ? read.repeats + 1 : 1;
  seen.piece = piece;
}
