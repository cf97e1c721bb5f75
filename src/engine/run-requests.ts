import type { Backend } from '../core/backend.ts';
import type { Failure } from '../core/completion.ts';
import { EngineError, messageOf, stopsTheRun } from '../core/errors.ts';
import type { Emit, RunEvent } from '../core/events.ts';
import { formatDuration, formatPercent } from '../core/format.ts';
import { type BatchRequest, type WorkItem, isRejected } from '../core/request.ts';
import type { ResultLine } from '../core/result-line.ts';
import type { RunnerSettings } from '../core/settings.ts';
import { type Attempt, sendOnce } from './attempt.ts';
import { type Breaker, createBreaker } from './breaker.ts';
import { type Answered, type ResultSource, rejectedResult, resultOf } from './build-result.ts';
import type { Conversations, TurnPlace } from './conversation.ts';
import { type InFlight, createInFlight } from './in-flight.ts';
import { retryDelay } from './retry.ts';
import { type Task, type TaskQueue, createTaskQueue } from './task-queue.ts';
import type { AnswerVerifier } from './verify-answer.ts';

export interface EngineRun {
  /** Batches of requests, read when a lane is free. */
  items: AsyncIterable<WorkItem[]>;
  backend: Backend;
  /** Requests in flight. */
  lanes: number;
  /** Rolling histories, or null for independent requests. */
  conversations: Conversations | null;
  verifier: AnswerVerifier;
  settings: RunnerSettings;
  source: ResultSource;
  /** Hands a result to the journal; the promise is what makes a lane wait for a slow disk. */
  record: (row: number, line: ResultLine) => Promise<void> | undefined;
  emit: Emit;
  /** First Ctrl-C: nothing new is sent, what is in flight may end within `drainTimeoutMs`. */
  stop: AbortSignal;
  /** Second Ctrl-C, or a failed journal: everything ends now. */
  abort: AbortSignal;
}

/**
 * Runs requests through a backend, `lanes` at a time. Ends when all have a result, or when the run is stopped; throws
 * an `EngineError` when going on makes no sense. Requests without a result then are left for a resume.
 */
export async function runRequests(run: EngineRun): Promise<void> {
  const { settings, backend, emit } = run;
  const queue = createTaskQueue(run.items);
  const inFlight = createInFlight({
    ...settings,
    onStall(silentMs) {
      const silence = `nothing came from the engine for ${formatDuration(silentMs)}`;
      emit({ type: 'notice', text: `${silence}: what was in flight is tried again` });
      backend.restart?.().catch((error: unknown) => emit({ type: 'notice', text: messageOf(error) }));
    },
  });
  const drain = createDrain(run, queue.stop, () => inFlight.abortAll('stopped'));
  const breaker = createBreaker(settings.maxErrorRate);
  const lanes = Array.from({ length: run.lanes }, (_, lane) =>
    runLane({ ...run, ...settings, queue, inFlight, breaker, lane }),
  );
  try {
    await Promise.all(lanes);
  } catch (error) {
    queue.stop();
    inFlight.abortAll('stopped');
    await Promise.allSettled(lanes);
    throw error;
  } finally {
    drain.close();
    inFlight.close();
  }
}

/** One of the workers: it has one request in flight. */
interface Lane extends Omit<EngineRun, 'lanes'> {
  lane: number;
  queue: TaskQueue;
  inFlight: InFlight;
  breaker: Breaker;
  timeoutMs: number | null;
  stallTimeoutMs: number;
}

/** Stops sending at the first signal, and ends what is in flight at the second, or when it takes too long. */
function createDrain({ stop, abort, settings }: EngineRun, stopSending: () => void, abortAll: () => void) {
  let timer: NodeJS.Timeout | null = null;
  const onStop = (): void => {
    stopSending();
    timer ??= setTimeout(abortAll, settings.drainTimeoutMs);
  };
  const onAbort = (): void => {
    stopSending();
    abortAll();
  };
  stop.addEventListener('abort', onStop);
  abort.addEventListener('abort', onAbort);
  if (stop.aborted) onStop();
  if (abort.aborted) onAbort();
  return {
    close(): void {
      if (timer !== null) clearTimeout(timer);
      stop.removeEventListener('abort', onStop);
      abort.removeEventListener('abort', onAbort);
    },
  };
}

async function runLane(lane: Lane): Promise<void> {
  for (;;) {
    const next = lane.queue.next();
    const task = next instanceof Promise ? await next : next;
    if (task === null) return;
    if (isRejected(task.read)) await lane.record(task.row, rejectedResult(task.read, lane.source));
    else await runTask(lane, task, task.read);
  }
}

/** One attempt at a task: records its result, or puts it off for a retry. */
async function runTask(lane: Lane, task: Task, request: BatchRequest): Promise<void> {
  task.attempts++;
  const answered = await answer(lane, request, task.attempts);
  if (answered === null) return;
  const { answer: outcome } = answered.verdict;
  if (outcome.status === 'completed') {
    lane.conversations?.accept(lane.lane, request, outcome.body);
    lane.breaker.add(false);
    await lane.record(task.row, resultOf(answered, lane.source));
  } else {
    await handleFailure(lane, task, { ...answered, failure: outcome });
  }
}

async function handleFailure(lane: Lane, task: Task, failed: Answered & { failure: Failure }): Promise<void> {
  const { kind, message } = failed.failure;
  if (stopsTheRun(kind)) throw new EngineError(kind, message);
  const delayMs = retryDelay(failed.failure, task.attempts, lane.settings);
  if (delayMs !== null) {
    lane.emit({ type: 'request-retry', kind, attempt: task.attempts, delayMs });
    lane.queue.retryLater(task, delayMs);
    return;
  }
  lane.breaker.add(true);
  await lane.record(task.row, resultOf(failed, lane.source));
  checkBreaker(lane, failed.failure);
}

/** The request's answer, judged; null when the run was stopped before it came. */
async function answer(lane: Lane, request: BatchRequest, attempts: number): Promise<Answered | null> {
  const prepared = lane.verifier.prepare(request);
  const check = prepared instanceof Promise ? await prepared : prepared;
  if (typeof check !== 'function') {
    const unsent = { startedAt: Date.now(), latencyMs: 0, ttftMs: null };
    return { request, verdict: { answer: check }, attempts: 0, attempt: unsent, place: null };
  }
  const conversations = request.endpoint === '/v1/chat/completions' ? lane.conversations : null;
  const { sent, place } =
    conversations === null
      ? { sent: await send(lane, request), place: null }
      : await sendInConversation(lane, conversations, request);
  return sent.answer === null ? null : { request, verdict: check(sent.answer), attempts, attempt: sent, place };
}

/** Sends the request with the lane's history before it. */
async function sendInConversation(
  lane: Lane,
  conversations: Conversations,
  request: BatchRequest,
): Promise<{ sent: Attempt; place: TurnPlace }> {
  const extended = conversations.extend(lane.lane, request);
  const sent = await send(lane, extended.request);
  const isTooLong = sent.answer?.status === 'failed' && sent.answer.kind === 'context-too-long';
  if (!isTooLong || !conversations.forget(lane.lane, 'the prompt did not fit')) return { sent, place: extended.place };
  // The history may be what was too long: without it the request gets its own chance.
  return sendInConversation(lane, conversations, request);
}

const requestStart: RunEvent = { type: 'request-start' };
const requestEnd: RunEvent = { type: 'request-end' };

async function send(lane: Lane, request: BatchRequest): Promise<Attempt> {
  lane.emit(requestStart);
  const sent = await sendOnce(request, lane);
  lane.emit(requestEnd);
  return sent;
}

function checkBreaker({ breaker }: Lane, last: Failure): void {
  const rate = breaker.tripped();
  if (rate === null) return;
  throw new EngineError(
    last.kind,
    `${formatPercent(rate)} of the last requests failed, most recently with ${last.kind}: ${last.message}`,
    'Mend the cause and resume, or go on regardless with --max-error-rate 1.',
  );
}
