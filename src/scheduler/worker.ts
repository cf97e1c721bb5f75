import { noTokens } from '../core/attempt-tokens.ts';
import type { Answer, Failure } from '../core/completion.ts';
import type { ErrorKind } from '../core/errors.ts';
import type { RunEvent } from '../core/events.ts';
import { type BatchRequest, isRejected } from '../core/request.ts';
import { type Attempt, sendOnce } from './attempt.ts';
import { type Answered, rejectedResult, recordAnswer } from './build-result.ts';
import type { TurnPlace } from '../core/result-line.ts';
import type { Conversations } from './conversation.ts';
import type { Worker } from './engine-run.ts';
import { handleFailure } from './handle-failure.ts';
import { failureOfThrown } from './last-net.ts';
import type { Task } from './task-queue.ts';
import type { AnswerCheck, Verdict } from './verify-answer.ts';

/** Works through tasks, one at a time, until there are none left. */
export async function runWorker(worker: Worker): Promise<void> {
  for (;;) {
    const next = worker.queue.next(worker.worker);
    const task = next instanceof Promise ? await next : next;
    if (task === null) return;
    if (isRejected(task.read)) await worker.record(task.row, rejectedResult(task.read, worker.source));
    else await runTask(worker, task, task.read);
    worker.queue.release();
  }
}

/** One attempt at a task: records its result, or puts it off for a retry. */
async function runTask(worker: Worker, task: Task, request: BatchRequest): Promise<void> {
  task.attempts++;
  task.lowerings = worker.workers.lowerings();
  task.outages = worker.outages.ended();
  const answered = await ask(worker, task, request);
  if (answered === null) return;
  const { answer: outcome } = answered.verdict;
  if (outcome.status === 'completed') {
    worker.breaker.add(false);
    worker.culprits.onAnswer();
    const isRecorded = await recordAnswer(worker, task.row, answered);
    if (isRecorded) worker.conversations?.accept(worker.worker, request, outcome.body);
  } else {
    await handleFailure(worker, task, { ...answered, failure: outcome });
  }
}

/** The request's answer, judged; null when the run was stopped before it came. */
async function ask(worker: Worker, { attempts, retried }: Task, request: BatchRequest): Promise<Answered | null> {
  try {
    const prepared = worker.verifier.prepare(request);
    const check = prepared instanceof Promise ? await prepared : prepared;
    if (typeof check !== 'function') return unsent(request, check);
    const conversations = request.endpoint === '/v1/chat/completions' ? worker.conversations : null;
    const { sent, place } =
      conversations === null
        ? { sent: await send(worker, request), place: null }
        : await sendInConversation(worker, conversations, request);
    if (sent.answer === null) return null;
    const judged = judge(check, sent.answer);
    // Most answers are judged at once: a promise for each would cost more than that.
    const verdict = judged instanceof Promise ? await judged : judged;
    return verdict === null ? null : { request, verdict, attempts, retried, attempt: sent, place };
  } catch (error) {
    return unsent(request, failureOfThrown(error, 'bad-request'));
  }
}

const unsent = (request: BatchRequest, answer: Failure): Answered => ({
  request,
  verdict: { answer },
  attempts: 0,
  retried: null,
  attempt: { startedAt: Date.now(), latencyMs: 0, ttftMs: null, tokens: noTokens },
  place: null,
});

const unjudged = (error: unknown): Verdict => ({ answer: failureOfThrown(error, 'invalid-response') });

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
  'control-token': 'it may hold a control token',
};

/** Sends the request with the worker's history before it. */
async function sendInConversation(
  worker: Worker,
  conversations: Conversations,
  request: BatchRequest,
): Promise<{ sent: Attempt; place: TurnPlace }> {
  const extended = conversations.extend(worker.worker, request);
  const sent = await send(worker, extended.request);
  const blame = blameForHistory(sent.answer);
  if (blame === undefined || !conversations.forget(worker.worker, blame)) return { sent, place: extended.place };
  // Without the history the request gets its own chance.
  return sendInConversation(worker, conversations, request);
}

const blameForHistory = (answer: Answer | null): string | undefined =>
  answer?.status === 'failed' ? historyFailures[answer.kind] : undefined;

const requestStart: RunEvent = { type: 'request-start' };

async function send(worker: Worker, request: BatchRequest): Promise<Attempt> {
  worker.emit(requestStart);
  const sent = await sendOnce(request, worker);
  worker.emit({ type: 'request-end', tokens: sent.tokens, isAnswered: sent.answer?.status === 'completed' });
  if (sent.answer !== null) {
    worker.hold.onAnswer(sent.answer);
    worker.finder?.onAnswer(sent.answer, sent.latencyMs, worker.inFlight.count() + 1);
    if (sent.answer.status === 'completed') worker.silence.onAnswer(sent.latencyMs);
  }
  return sent;
}
