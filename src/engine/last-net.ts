import { type Failure, failure } from '../core/completion.ts';
import { LlmbatchError, messageOf } from '../core/errors.ts';

/** A thrown text may hold a whole prompt, or a whole answer. */
const longestMessage = 500;

/**
 * The last net under one request: whatever is thrown while it is prepared, sent, judged or recorded is its own failure, or
 * one odd line would end the run, and each resume. What is meant to end the run is an `LlmbatchError`, and passes.
 */
export function failureOfThrown(error: unknown, kind: 'bad-request' | 'invalid-response'): Failure {
  if (error instanceof LlmbatchError) throw error;
  return failure(kind, `unexpected ${textOf(error)}`);
}

/** With the name, by which whoever writes this program knows a mistake of its own. */
function textOf(error: unknown): string {
  try {
    const name = error instanceof Error ? error.name : typeof error;
    return `${name}: ${messageOf(error)}`.slice(0, longestMessage);
  } catch {
    return 'error that has no text';
  }
}
