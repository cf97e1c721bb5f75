import { type Choice, choiceText } from '../../core/completion.ts';
import type { ErrorKind } from '../../core/errors.ts';
import type { ResultDetails } from '../../core/result-line.ts';
import { thoughtOf } from './said.ts';

/** Why an answer that came is no success. */
export interface Problem {
  kind: ErrorKind;
  message: string;
  /** The choice that is to blame; absent: the first. */
  choice?: Choice;
}

export const notHonoured = (message: string, choice?: Choice): Problem => ({
  kind: 'not-honoured',
  message,
  ...(choice === undefined ? {} : { choice }),
});

/** What came, to be kept for the eye beside the failure. */
export function rejectedOf(choice: Choice | undefined): ResultDetails['rejected'] {
  if (choice === undefined) return undefined;
  const thought = thoughtOf(choice);
  const calls = choice.message?.['tool_calls'];
  return {
    content: choiceText(choice),
    finish_reason: choice.finish_reason,
    ...(thought === '' ? {} : { reasoning: thought }),
    ...(Array.isArray(calls) && calls.length > 0 ? { tool_calls: calls as unknown[] } : {}),
  };
}
