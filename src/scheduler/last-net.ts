import { type Failure, failure } from '../core/completion.ts';
import { LlmbatchError, describeUnexpected } from '../core/errors.ts';

/**
 * Turns anything thrown while a request is prepared, sent, judged or recorded into its own failure: otherwise one odd
 * line would end the run, and each resume. What is meant to end the run is an `LlmbatchError`, and passes.
 */
export function failureOfThrown(error: unknown, kind: 'bad-request' | 'invalid-response'): Failure {
  if (error instanceof LlmbatchError) throw error;
  return failure(kind, describeUnexpected(error));
}
