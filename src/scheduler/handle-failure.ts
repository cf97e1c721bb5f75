import { addSpent } from '../core/attempt-tokens.ts';
import type { Failure } from '../core/completion.ts';
import { EngineError, stopsTheRun, isTransient } from '../core/errors.ts';
import type { Emit, Notify } from '../core/events.ts';
import { type BatchRequest, describeRequest } from '../core/request.ts';
import { formatPercent } from '../text/format.ts';
import { printable } from '../text/printable.ts';
import { type Outcome, type ResultSink, recordOutcome } from './build-result.ts';
import type { Task } from './queue/task.ts';
import type { TaskQueue } from './queue/task-queue.ts';
import type { WorkerPool } from './worker-pool.ts';

/** A server that refuses every second request, whichever, answers all but one of a billion within so many. */
const maxRefused = 30;
/** Number of refusals after which the user is told: the waits between them take a minute by then. */
const toldRefusals = 10;

export interface FailureContext extends ResultSink {
  queue: TaskQueue;
  pool: WorkerPool;
  settings: RetryPolicy;
  emit: Emit;
  notify: Notify;
}

/** Puts the task off for a retry, hands it to another engine, records its failure, or ends the run. */
export async function handleFailure(
  task: Task,
  outcome: Outcome,
  failure: Failure,
  context: FailureContext,
): Promise<void> {
  const { pool } = context;
  if (isOfEngine(outcome, failure, pool)) return handOver(task, outcome, failure, context);
  const engine = await pool.settle(failure, task.outages);
  if (engine === 'stopped') return;
  pool.noteFailure(failure, outcome.attempt?.latencyMs ?? 0, engine === 'away');
  await judgeFailure(task, outcome, { failure, wasAway: engine !== 'here' }, context);
}

/** Does the failure say nothing of the request? Throws an `EngineError` where the engine is of no use, and is the last one. */
function isOfEngine({ attempt }: Outcome, { kind, message }: Failure, pool: WorkerPool): boolean {
  if (attempt?.isGivenAway === true || pool.isOut()) return true;
  if (!stopsTheRun(kind)) return false;
  const error = new EngineError(kind, message);
  if (!pool.leave(error)) throw error;
  return true;
}

async function judgeFailure(
  task: Task,
  outcome: Outcome,
  { failure, wasAway }: { failure: Failure; wasAway: boolean },
  context: FailureContext,
): Promise<void> {
  const { request } = outcome;
  const { pool, settings } = context;
  const verdict = pool.culprits.judge(task, request, { failure, wasAway });
  if (verdict.is === 'culprit')
    return record(task, { ...outcome, verdict: { answer: verdict.failure } }, failure, context);
  if (verdict.is === 'forgiven') task.forgiven++;
  else if (isRefused(task, failure)) forgiveRefusal(task, request, failure, context);
  const delayMs = wasAway && verdict.is === 'forgiven' ? 0 : retryDelay(failure, task, settings);
  if (delayMs === null) return record(task, outcome, failure, context);
  if (!wasAway) noteTrouble(failure, context);
  putOff(task, outcome, { failure, delayMs: waitsForEngine(task, failure, pool) ? 0 : delayMs }, context);
}

/**
 * Another engine can have it at once, the first time; and what one engine asked to wait for waits in the queue, for whichever
 * takes requests first.
 */
const waitsForEngine = (task: Task, { retryAfterMs }: Failure, pool: WorkerPool): boolean =>
  (task.failedOn === null && pool.hasTaker()) || (retryAfterMs !== undefined && pool.isPaused() && pool.hasOther());

/** The engine is to blame, and another one takes the request. */
function handOver(task: Task, outcome: Outcome, failure: Failure, context: FailureContext): void {
  task.forgiven++;
  putOff(task, outcome, { failure, delayMs: 0 }, context);
}

function putOff(
  task: Task,
  { attempt }: Outcome,
  { failure: { kind }, delayMs }: { failure: Failure; delayMs: number },
  { emit, queue, pool }: FailureContext,
): void {
  task.failedOn = pool.engine;
  if (attempt !== null) task.retried = addSpent(task.retried, attempt.tokens, attempt.latencyMs);
  const isGivenAway = attempt?.isGivenAway === true;
  emit({ type: 'request-retry', kind, attempt: task.attempts, delayMs, ...(isGivenAway && { isGivenAway }) });
  queue.retryLater(task, delayMs);
}

function forgiveRefusal(task: Task, request: BatchRequest, failure: Failure, { notify }: FailureContext): void {
  task.forgiven++;
  if (task.forgiven !== toldRefusals) return;
  const tries = `${toldRefusals} times, and is asked again, up to ${maxRefused} times`;
  const text = `the server has refused ${describeRequest(request)} ${tries} (${printable(failure.message)})`;
  notify({ topic: 'rate-limit', text });
}

/** Says whether the server refuses every request for now, and not this one alone. */
const isRefused = ({ forgiven }: Task, { kind, retryAfterMs }: Failure): boolean =>
  (kind === 'rate-limited' || (kind === 'overloaded' && retryAfterMs !== undefined)) && forgiven < maxRefused;

async function record(task: Task, outcome: Outcome, failure: Failure, context: FailureContext): Promise<void> {
  const { pool } = context;
  if (!isTried(failure, pool)) pool.breaker.add(true);
  pool.runBreaker?.add(true);
  await recordOutcome(task.row, outcome, context);
  const rate = pool.runBreaker?.tripped() ?? null;
  if (rate !== null) throw tooManyFailures(rate, failure);
  checkBreaker(pool, failure);
}

/** Another engine tries it too, so that an attempt that fails says more of this engine than of the request. */
const isTried = ({ kind }: Failure, pool: WorkerPool): boolean => isTransient(kind) && pool.hasOther();

function noteTrouble(failure: Failure, { pool }: FailureContext): void {
  if (!isTried(failure, pool) || failure.retryAfterMs !== undefined) return;
  pool.breaker.add(true);
  checkBreaker(pool, failure);
}

function checkBreaker({ breaker, leave }: WorkerPool, last: Failure): void {
  const rate = breaker.tripped();
  if (rate === null) return;
  const error = tooManyFailures(rate, last);
  if (!leave(error)) throw error;
}

const tooManyFailures = (rate: number, last: Failure): EngineError =>
  new EngineError(
    last.kind,
    `${formatPercent(rate)} of the last requests failed, most recently with ${last.kind}: ${printable(last.message)}`,
    'Fix the cause and resume, or continue anyway with --max-error-rate 1.',
  );

export interface RetryPolicy {
  /** Tries after the first one. */
  retries: number;
  /** Kinds that are retried though they are not transient. */
  retryOn: readonly string[];
  /** 0 <= x < 1 */
  random?: () => number;
}

const baseMs = 500;
const maxMs = 30_000;
/** A server that asks for more than this is asked again all the same. */
const maxRetryAfterMs = 600_000;

/** Number of attempts, and of those that don't count because the engine was to blame. */
export interface Tries {
  attempts: number;
  forgiven: number;
}

/**
 * Milliseconds to wait before the next attempt, or null when there is none. The wait is random, from 0 to a bound that
 * doubles with each attempt, so that requests which failed together don't come back together. Where the server asks for
 * a wait, the bound is 500 ms and the wait is never shorter than asked: one of 500 ms or more is kept to the
 * millisecond.
 */
export function retryDelay(
  failure: Failure,
  { attempts, forgiven }: Tries,
  { retries, retryOn, random = Math.random }: RetryPolicy,
): number | null {
  const mayRetry = isTransient(failure.kind) || retryOn.includes(failure.kind);
  if (!mayRetry || attempts - forgiven > retries) return null;
  const asked = Math.min(failure.retryAfterMs ?? 0, maxRetryAfterMs);
  // The bound is not doubled for a server that says how long to wait.
  const bound = asked > 0 ? baseMs : Math.min(maxMs, baseMs * 2 ** (attempts - 1));
  return Math.max(random() * bound, asked);
}
