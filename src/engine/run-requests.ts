import type { Backend } from '../core/backend.ts';
import type { Failure } from '../core/completion.ts';
import { EngineError, stopsTheRun } from '../core/errors.ts';
import type { Emit } from '../core/events.ts';
import { formatDuration, formatPercent } from '../core/format.ts';
import { type BatchRequest, type WorkItem, isRejected } from '../core/request.ts';
import type { ResultLine } from '../core/result-line.ts';
import type { RunnerSettings } from '../core/settings.ts';
import { type Attempt, sendOnce } from './attempt.ts';
import { createBreaker } from './breaker.ts';
import { type Answered, type ResultSource, rejectedResult, resultOf } from './build-result.ts';
import type { Conversations, TurnPlace } from './conversation.ts';
import { createInFlight } from './in-flight.ts';
import { retryDelay } from './retry.ts';
import { type Task, createTaskQueue } from './task-queue.ts';
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
      emit({ type: 'engine-restart', reason: `nothing came from the engine for ${formatDuration(silentMs)}` });
      void backend.restart?.();
    },
  });
  const drain = createDrain(run, queue.stop, () => inFlight.abortAll('stopped'));
  const line = { ...run, queue, inFlight, breaker: createBreaker(settings.maxErrorRate) };
  const lanes = Array.from({ length: run.lanes }, (_, lane) => runLane(line, lane));
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

interface Line extends EngineRun {
  queue: ReturnType<typeof createTaskQueue>;
  inFlight: ReturnType<typeof createInFlight>;
  breaker: ReturnType<typeof createBreaker>;
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

async function runLane(line: Line, lane: number): Promise<void> {
  for (;;) {
    const next = line.queue.next();
    const task = next instanceof Promise ? await next : next;
    if (task === null) return;
    if (isRejected(task.read)) await line.record(task.row, rejectedResult(task.read, line.source));
    else await runTask({ ...line, lane, request: task.read }, task);
  }
}

/** A request in a lane. */
interface Place extends Line {
  lane: number;
  request: BatchRequest;
}

/** One attempt at a task: records its result, or puts it off for a retry. */
async function runTask(place: Place, task: Task): Promise<void> {
  task.attempts++;
  const answered = await answer(place, task.attempts);
  if (answered === null) return;
  const { answer: outcome } = answered.verdict;
  if (outcome.status === 'completed') {
    place.conversations?.accept(place.lane, place.request, outcome.body);
    place.breaker.add(false);
    await place.record(task.row, resultOf(answered, place.source));
  } else {
    await handleFailure(place, task, { ...answered, failure: outcome });
  }
}

async function handleFailure(place: Place, task: Task, failed: Answered & { failure: Failure }): Promise<void> {
  const { kind, message } = failed.failure;
  if (stopsTheRun(kind)) throw new EngineError(kind, message);
  const delayMs = retryDelay(failed.failure, task.attempts, place.settings);
  if (delayMs !== null) {
    place.emit({ type: 'request-retry', kind, attempt: task.attempts, delayMs });
    place.queue.retryLater(task, delayMs);
    return;
  }
  place.breaker.add(true);
  await place.record(task.row, resultOf(failed, place.source));
  checkBreaker(place, failed.failure);
}

/** The request's answer, judged; null when the run was stopped before it came. */
async function answer(place: Place, attempts: number): Promise<Answered | null> {
  const { request, verifier } = place;
  const prepared = verifier.prepare(request);
  const check = prepared instanceof Promise ? await prepared : prepared;
  if (typeof check !== 'function') {
    const unsent = { startedAt: Date.now(), latencyMs: 0, ttftMs: null };
    return { request, verdict: { answer: check }, attempts: 0, attempt: unsent, place: null };
  }
  const { sent, turn } = await sendInConversation(place);
  return sent.answer === null ? null : { request, verdict: check(sent.answer), attempts, attempt: sent, place: turn };
}

/** Sends the request with the lane's history before it, where there is one. */
async function sendInConversation(place: Place): Promise<{ sent: Attempt; turn: TurnPlace | null }> {
  const { request, lane } = place;
  const conversations = request.endpoint === '/v1/chat/completions' ? place.conversations : null;
  if (conversations === null) return { sent: await send(place, request), turn: null };
  const extended = conversations.extend(lane, request);
  const sent = await send(place, extended.request);
  const isTooLong = sent.answer?.status === 'failed' && sent.answer.kind === 'context-too-long';
  if (!isTooLong || !conversations.forget(lane, 'the prompt did not fit')) return { sent, turn: extended.place };
  // The history may be what was too long: without it the request gets its own chance.
  return sendInConversation(place);
}

async function send(place: Place, request: BatchRequest): Promise<Attempt> {
  place.emit({ type: 'request-start' });
  const sent = await sendOnce(request, { ...place, ...place.settings });
  place.emit({ type: 'request-end' });
  return sent;
}

function checkBreaker({ breaker }: Line, last: Failure): void {
  const rate = breaker.tripped();
  if (rate === null) return;
  throw new EngineError(
    last.kind,
    `${formatPercent(rate)} of the last requests failed, most recently with ${last.kind}: ${last.message}`,
    'Mend the cause and resume, or go on regardless with --max-error-rate 1.',
  );
}
