import { type Answer, type Completion, type Failure, rejection } from '../core/completion.ts';
import type { BatchRequest } from '../core/request.ts';
import type { ResultDetails } from '../core/result-line.ts';
import { askedProblem, thinkingProblem } from './answer-checks/check-asked.ts';
import { callsProblem } from './answer-checks/check-calls.ts';
import { cutFormProblem, emptyProblem, finishProblem } from './answer-checks/check-content.ts';
import { createCheckThread } from './answer-checks/check-thread.ts';
import { type FormNotes, isProblem } from './answer-checks/form-checks.ts';
import { type SchemaHolder, createSchemaTeller } from './answer-checks/held-schemas.ts';
import { type PreparedForm, createFormPreparer } from './answer-checks/prepare-form.ts';
import { type Problem, rejectedOf } from './answer-checks/answer-parts.ts';

/** An answer that may be recorded as a success, or why it may not. */
export type VerifiedAnswer =
  | ({ answer: Completion; empty?: true } & FormNotes)
  | { answer: Failure; rejected?: NonNullable<ResultDetails['rejected']> };

/** Checks the answer to one request; null where the run was ended before that was done. */
export type AnswerCheck = (answer: Answer) => Promise<VerifiedAnswer | null> | VerifiedAnswer;

export interface AnswerVerifier {
  /** Prepares the check of a request's answer; a failure when the request asks for something that can't be checked. */
  prepare: (request: BatchRequest) => Promise<AnswerCheck | Failure> | AnswerCheck | Failure;
  /** Ends what is being checked. */
  close: () => void;
}

export interface Leniency {
  allowTruncated: boolean;
  allowEmptyAnswers?: boolean;
}

/**
 * Decides whether an answer is one: not cut, not filtered, not empty, and what the request asked for, whatever the engine
 * promised. What the checks throw is the net's of who calls them.
 */
export function createVerifier(
  leniency: Leniency,
  holder: SchemaHolder = { name: 'the engine', notify: () => undefined },
): AnswerVerifier {
  const thread = createCheckThread();
  const prepareForm = createFormPreparer({ thread, tell: createSchemaTeller(holder), holder });
  return {
    prepare(request) {
      const form = prepareForm(request);
      if (form === null) return (answer) => judge(answer, request, { leniency, hint: '' });
      return form instanceof Promise
        ? form.then((prepared) => withForm(prepared, request, leniency))
        : withForm(form, request, leniency);
    },
    close: thread.close,
  };
}

function withForm(form: PreparedForm | Failure, request: BatchRequest, leniency: Leniency): AnswerCheck | Failure {
  if ('status' in form) return form;
  return async (answer) => {
    const verdict = judge(answer, request, { leniency, hint: form.hint });
    if (verdict.answer.status === 'failed') return verdict;
    const found = await form.check(verdict.answer);
    if (found === null) return null;
    const { answer: whole } = verdict;
    if (!isProblem(found)) return { ...verdict, answer: whole, ...found };
    return reject(whole, cutFormProblem(whole.body, found.choice) ?? found);
  };
}

interface Judging {
  leniency: Leniency;
  hint: string;
}

function judge(answer: Answer, request: BatchRequest, { leniency, hint }: Judging): VerifiedAnswer {
  if (answer.status === 'failed') return { answer };
  const { body } = answer;
  const { allowTruncated, allowEmptyAnswers = false } = leniency;
  const problem =
    thinkingProblem(body, request.body) ??
    finishProblem(body, { allowTruncated, hint }) ??
    callsProblem(body, request.body) ??
    askedProblem(body, request);
  if (problem !== null) return reject(answer, problem);
  const empty = request.endpoint === '/v1/embeddings' ? null : emptyProblem(body, request.body);
  if (empty === null) return { answer };
  return allowEmptyAnswers ? { answer, empty: true } : reject(answer, empty);
}

function reject(answer: Completion, { kind, message, choice }: Problem): VerifiedAnswer {
  const rejected = rejectedOf(choice ?? answer.body.choices?.[0]);
  return { answer: rejection(answer, kind, message), ...(rejected === undefined ? {} : { rejected }) };
}
