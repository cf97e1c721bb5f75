import type { GenerateContext } from '../../core/backend.ts';
import type { AnswerPart, WireToolCall } from './wire.ts';

/** What a stream gave. */
export interface Streamed {
  text: string;
  thinking: string;
  toolCalls: WireToolCall[];
  logprobs: unknown[];
  /** The line with `done: true` and the counters; null where the stream ended without one: the answer is not whole. */
  last: AnswerPart | null;
  /** How often the last piece of text came in a row. */
  repeats: number;
}

/** Reads a stream to its end. Throws what the server says in the middle of it, and what breaks the connection. */
export async function readStream(
  parts: AsyncIterable<AnswerPart>,
  { onActivity, onFirstToken }: Pick<GenerateContext, 'onActivity' | 'onFirstToken'>,
): Promise<Streamed> {
  const read: Streamed = { text: '', thinking: '', toolCalls: [], logprobs: [], last: null, repeats: 0 };
  const seen = { hasToken: false, piece: '' };
  try {
    for await (const part of parts) {
      onActivity();
      const piece = addPart(read, part);
      if (!seen.hasToken && (piece !== '' || read.thinking !== '' || read.toolCalls.length > 0)) {
        seen.hasToken = true;
        onFirstToken();
      }
      if (part.done === true) read.last = part;
      else countRepeat(read, seen, piece.trim());
    }
  } catch (error) {
    // The package's word for a clean end of the stream without `done: true`.
    if (error instanceof Error && error.message.startsWith('Did not receive done')) return read;
    throw error;
  }
  return read;
}

function addPart(read: Streamed, { message, response, thinking, logprobs }: AnswerPart): string {
  const piece = message?.content ?? response ?? '';
  read.text += piece;
  read.thinking += message?.thinking ?? thinking ?? '';
  if (message?.tool_calls !== undefined) read.toolCalls.push(...message.tool_calls);
  if (logprobs !== undefined) read.logprobs.push(...logprobs);
  return piece;
}

function countRepeat(read: Streamed, seen: { piece: string }, piece: string): void {
  read.repeats = piece === seen.piece ? read.repeats + 1 : 1;
  seen.piece = piece;
}
