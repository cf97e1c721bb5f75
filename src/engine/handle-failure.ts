import type { Failure } from '../core/completion.ts';
import { EngineError, stopsTheRun } from '../core/errors.ts';
import { formatPercent } from '../core/format.ts';
import type { Answered } from './build-result.ts';
import type { Lane } from './engine-run.ts';
import { recordAnswer } from './record-answer.ts';
import { retryDelay } from './retry.ts';
import type { Task } from './task-queue.ts';

/** A request that was in flight so often when the engine went away may be what brings it down: then attempts count. */
const mostForgiven = 10;
/** A server that refuses every second request, whichever, answers all but one of a billion within so many. */
const mostRefused = 30;

/** Puts the task off for a retry, records its failure, or ends the run. */
export async function handleFailure(lane: Lane, task: Task, failed: Answered & { failure: Failure }): Promise<void> {
  const { failure } = failed;
  const { kind, message } = failure;
  if (stopsTheRun(kind)) throw new EngineError(kind, message);
  const engine = await lane.outages.settle(failure, task.outages);
  if (engine === 'stopped') return;
  const isEngineBack = engine === 'away' && task.forgiven < mostForgiven;
  if (isEngineBack || isRefused(task, failure) || isOutOfMemory(lane, task, failure)) task.forgiven++;
  const delayMs = isEngineBack ? 0 : retryDelay(failure, task, lane.settings);
  if (delayMs !== null) {
    lane.emit({ type: 'request-retry', kind, attempt: task.attempts, delayMs });
    lane.queue.retryLater(task, delayMs);
    return;
  }
  lane.breaker.add(true);
  await recordAnswer(lane, task.row, failed);
  checkBreaker(lane, failure);
}

/** The server has had enough for now, of whatever request. */
const isRefused = ({ forgiven }: Task, { kind, retryAfterMs }: Failure): boolean =>
  (kind === 'rate-limited' || (kind === 'overloaded' && retryAfterMs !== undefined)) && forgiven < mostRefused;

/** With workers to give up, it is no fault of the request's. */
const isOutOfMemory = (lane: Lane, task: Task, failure: Failure): boolean =>
  failure.kind === 'out-of-memory' && !lane.memory.counts(failure, task.lowerings);

function checkBreaker({ breaker }: Lane, last: Failure): void {
  const rate = breaker.tripped();
  if (rate === null) return;
  throw new EngineError(
    last.kind,
    `${formatPercent(rate)} of the last requests failed, most recently with ${last.kind}: ${last.message}`,
    'Mend the cause and resume, or go on regardless with --max-error-rate 1.',
  );
}
