import type { Answer, Failure } from '../core/completion.ts';
import type { ErrorKind } from '../core/errors.ts';
import type { BatchRequest } from '../core/request.ts';
import type { Outcome } from './build-result.ts';
import type { TurnPlace } from '../core/result-line.ts';
import type { Conversations } from './conversation.ts';
import { failureOfThrown } from './last-net.ts';
import type { Attempt, SentTo } from './send-request.ts';
import { type Task, isSuspect } from './queue/task.ts';
import type { AnswerCheck, AnswerVerifier, VerifiedAnswer } from './verify-answer.ts';

/** Makes one attempt at a task, whose request this is, for a worker; null when the run was stopped before it was judged. */
export type Attempter = (worker: number, task: Task, request: BatchRequest) => Promise<Outcome | null>;

export interface AttempterOptions {
  verifier: AnswerVerifier;
  conversations: Conversations | null;
  send: Send;
}

type Send = (request: BatchRequest, to: SentTo) => Promise<Attempt>;

/** Prepares a request, sends it, in a conversation behind the worker's history, and judges the answer. */
export function createAttempter({ verifier, conversations, send }: AttempterOptions): Attempter {
  return async (worker, task, request) => {
    const { attempts, retried } = task;
    const to = { worker, isAlone: isSuspect(task) };
    try {
      const prepared = verifier.prepare(request);
      const check = prepared instanceof Promise ? await prepared : prepared;
      if (typeof check !== 'function') return unsent(request, check);
      const inConversation = conversations !== null && request.endpoint === '/v1/chat/completions';
      const { attempt, place } = inConversation
        ? await sendInConversation(to, request, { conversations, send })
        : { attempt: await send(request, to), place: null };
      if (attempt.answer === null) return null;
      const judged = judge(check, attempt.answer);
      // Most answers are judged at once: a promise for each would cost more than that.
      const verdict = judged instanceof Promise ? await judged : judged;
      return verdict === null ? null : { verdict, request, attempts, retried, attempt, place };
    } catch (error) {
      return unsent(request, failureOfThrown(error, 'bad-request'));
    }
  };
}

/** A request that asks for what can't be checked, or that can't be prepared, is never sent. */
const unsent = (request: BatchRequest, answer: Failure): Outcome => ({
  verdict: { answer },
  request,
  attempts: 0,
  retried: null,
  attempt: null,
  place: null,
});

const unjudged = (error: unknown): VerifiedAnswer => ({ answer: failureOfThrown(error, 'invalid-response') });

function judge(check: AnswerCheck, answer: Answer): ReturnType<AnswerCheck> {
  try {
    const verdict = check(answer);
    return verdict instanceof Promise ? verdict.catch(unjudged) : verdict;
  } catch (error) {
    return unjudged(error);
  }
}

/** Failures that the history may be to blame for, and what is said when it is dropped for them. */
const historyFailures: Partial<Record<ErrorKind, string>> = {
  'context-too-long': 'the prompt did not fit',
  'control-token': 'it may contain a control token',
};

/** Sends the request with the worker's history before it. */
async function sendInConversation(
  to: SentTo,
  request: BatchRequest,
  context: { conversations: Conversations; send: Send },
): Promise<{ attempt: Attempt; place: TurnPlace }> {
  const { conversations, send } = context;
  const { worker } = to;
  const extended = conversations.extend(worker, request);
  const attempt = await send(extended.request, to);
  const { answer } = attempt;
  const blame = answer?.status === 'failed' ? historyFailures[answer.kind] : undefined;
  if (blame === undefined || !conversations.forget(worker, blame)) return { attempt, place: extended.place };
  // Without the history the request gets its own chance.
  return sendInConversation(to, request, context);
}
