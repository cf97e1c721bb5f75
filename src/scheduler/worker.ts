import { type BatchRequest, isRejected } from '../core/request.ts';
import type { Attempter } from './attempt.ts';
import { recordOutcome, rejectedResult } from './build-result.ts';
import type { Conversations } from './conversation.ts';
import type { EngineQueue } from './queue/task-queue.ts';
import { type FailureContext, handleFailure } from './handle-failure.ts';
import type { Task } from './queue/task.ts';

/** What the workers of an engine share. */
export interface WorkerContext extends FailureContext {
  tasks: EngineQueue;
  attempt: Attempter;
  conversations: Conversations | null;
}

/** Works through tasks, one at a time, until there are none left. The index (0-based) is the worker's place in the pool. */
export async function runWorker(index: number, context: WorkerContext): Promise<void> {
  const { tasks, record, source } = context;
  for (;;) {
    const next = tasks.next(index);
    const task = next instanceof Promise ? await next : next;
    if (task === null) return;
    if (isRejected(task.read)) await record(task.row, rejectedResult(task.read, source), task.read.rowJson);
    else await runTask(index, task, task.read, context);
    tasks.release(task);
  }
}

/** One attempt at a task: records its result, or puts it off for a retry. */
async function runTask(index: number, task: Task, request: BatchRequest, context: WorkerContext): Promise<void> {
  const { pool, attempt, conversations } = context;
  task.attempts++;
  task.lowerings = pool.limit.lowerings();
  task.outages = pool.outages.ended();
  const outcome = await attempt(index, task, request);
  if (outcome === null) return;
  const { answer } = outcome.verdict;
  if (answer.status === 'failed') return handleFailure(task, outcome, answer, context);
  pool.breaker.add(false);
  pool.runBreaker?.add(false);
  pool.culprits.onAnswer();
  const isRecorded = await recordOutcome(task.row, outcome, context);
  if (isRecorded) conversations?.accept(index, request, answer.body);
}
