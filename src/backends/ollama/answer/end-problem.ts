import { type Failure, failure } from '../../../core/completion.ts';
import { oneLine } from '../../../text/one-line.ts';
import type { Streamed } from './read-stream.ts';
import type { AnswerPart } from '../http/wire.ts';

/** The server's guard against loops ends the stream so, after more than 30 equal tokens (0.34), or 100 (later). */
const guardedRepeats = 30;

/** A stream that came to its end without a last line, or was given up. */
export function endedEarly({ repeats, runAway }: Streamed): Failure {
  if (runAway !== null) return runAway;
  if (repeats >= guardedRepeats) {
    return failure('repetition', `The model said the same ${repeats} times, and the server ended the answer there.`);
  }
  return failure('server-error', 'The stream of the answer ended before the answer did.');
}

/** Why the last line of a stream is no end of a whole answer; null where it is one. */
export function endProblem(
  streamed: Streamed,
  { done_reason: reason = '', eval_count: tokens = 0 }: AnswerPart,
): Failure | null {
  // The server ends its stream in this way where its connection to the model broke.
  if (reason === '') return failure('server-error', 'The server ended the answer without a reason: it may be cut.');
  if (reason !== 'stop' && reason !== 'length')
    return failure('invalid-response', `The server ended the answer with "${oneLine(reason.slice(0, 100))}".`);
  // An empty answer is one where the model said so, by a token that ends it.
  const isEmpty = reason === 'stop' && tokens === 0 && isNothing(streamed);
  return isEmpty ? failure('server-error', 'The server answered with nothing at all, not one token.') : null;
}

const isNothing = ({ text, thinking, toolCalls }: Streamed): boolean =>
  text === '' && thinking === '' && toolCalls.length === 0;
