import type { ErrorPageName } from './errors.ts';

/** Faults within an answer. */
type AnswerFault =
  /** The connection breaks (RST), or is closed (FIN), after the first pieces. */
  | 'reset'
  | 'closed'
  /** The stream ends well before its last part, or without `[DONE]`. */
  | 'cut-stream'
  | 'no-done'
  /** An error in the middle of a stream, as vLLM sends it. */
  | 'error-in-stream'
  /** A line that is no JSON; without a stream, half of the body. */
  | 'garbled'
  /** A page of HTML with 200. */
  | 'html'
  /** `choices: []`, no `choices`, no `finish_reason`, no `usage`. */
  | 'no-choice'
  | 'no-choices'
  | 'no-finish'
  | 'no-usage'
  /** Nothing was said: with a token that says so, or without. */
  | 'empty'
  | 'nothing'
  /** `finish_reason`s. */
  | 'content-filter-end'
  | 'abort'
  /** `message.refusal`. */
  | 'refusal'
  /** `{"error": ...}` with 200. */
  | 'error-with-200'
  /** The rate limit is used up with this answer. */
  | 'last-of-limit'
  /** Never answers. */
  | 'hang';

export type FaultName = ErrorPageName | AnswerFault;
