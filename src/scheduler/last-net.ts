import { type Failure, failure } from '../core/completion.ts';
import { EngineError, LlmbatchError, describeUnexpected, isTransient, stopsTheRun } from '../core/errors.ts';

/**
 * Turns anything thrown while a request is prepared, sent, judged or recorded into its own failure: otherwise one odd
 * line would end the run, and each resume. A refusal keeps its kind and its words. What is meant to end the run, which is
 * any other `LlmbatchError`, passes.
 */
export function failureOfThrown(error: unknown, kind: 'bad-request' | 'invalid-response'): Failure {
  if (isRefusal(error)) return failure(error.kind, sentencesOf(error));
  if (error instanceof LlmbatchError) throw error;
  return failure(kind, describeUnexpected(error));
}

/** Says whether an error is about one request alone, which would fail again, and leaves the engine as it is. */
const isRefusal = (error: unknown): error is EngineError =>
  error instanceof EngineError && !isTransient(error.kind) && !stopsTheRun(error.kind);

/** The message of an error, ended by one full stop, and its hint. */
const sentencesOf = ({ message, hint }: EngineError): string =>
  [`${message.replace(/\.+$/, '')}.`, ...(hint === undefined ? [] : [hint])].join(' ');
