import type { Backend } from '../core/backend.ts';
import { JournalError, LlmbatchError } from '../core/errors.ts';
import type { Emit, Notify } from '../core/events.ts';
import type { WorkItem } from '../core/request.ts';
import type { RunnerSettings } from '../core/settings.ts';
import { formatCounted, formatSeconds } from '../text/format.ts';
import { createAttempter } from './attempt.ts';
import type { ResultSink } from './build-result.ts';
import type { Conversations } from './conversation.ts';
import type { GpuMonitor } from './limits/vram-guard.ts';
import { type TaskQueue, createTaskQueue } from './task-queue.ts';
import type { AnswerVerifier } from './verify-answer.ts';
import { type WorkerPool, createWorkerPool } from './worker-pool.ts';
import { runWorker } from './worker.ts';

/** The settings of a run that say how its requests are sent. */
type SchedulerSettings = Pick<
  RunnerSettings,
  'retries' | 'retryOn' | 'timeoutMs' | 'stallTimeoutMs' | 'drainTimeoutMs' | 'maxErrorRate' | 'vramLimit'
>;

/** The parts of a scheduler: a backend, the requests, where the results go, and who is told of it. */
export interface SchedulerOptions extends ResultSink {
  /** The engine that answers, with its model loaded. */
  backend: Backend;
  /** The requests in batches; the next batch is read when a worker is free. */
  items: AsyncIterable<WorkItem[]>;
  /** Number of requests in flight; the largest number where the scheduler searches for the best one. */
  maxWorkers: number;
  /** Number of requests in flight with which the search for what the server can hold begins; null: it is known. */
  startsWith: number | null;
  settings: SchedulerSettings;
  /** The rolling histories of the workers; null: each request is sent alone. */
  conversations: Conversations | null;
  verifier: AnswerVerifier;
  gpus: GpuMonitor;
  emit: Emit;
  notify: Notify;
  /** Aborted at the first Ctrl-C: nothing new is sent, and what is in flight may end within `drainTimeoutMs`. */
  stop: AbortSignal;
  /** Aborted at the second Ctrl-C, or when the journal failed: everything ends now. */
  abort: AbortSignal;
}

/** Takes requests to their results: how many run at once, in which order, how often each is tried. */
export interface Scheduler {
  /**
   * Runs until every request has a result, or the run is stopped. Called once. Throws an `EngineError` when going on
   * makes no sense; the requests that have no result then are left for a resume.
   */
  run: () => Promise<void>;
}

export function createScheduler(options: SchedulerOptions): Scheduler {
  const pool = createWorkerPool({ ...options, onRoom: () => queue.wake(), fail: (error) => queue.fail(error) });
  const queue: TaskQueue = createTaskQueue(options.items, pool.mayTake, pool.limit.workers);
  const drain = createDrain(options, pool, queue);
  const { settings, conversations, verifier, record, source, emit, notify } = options;
  const attempt = createAttempter({ verifier, conversations, send: pool.send });
  const context = { queue, pool, attempt, conversations, settings, record, source, emit, notify };
  return {
    async run() {
      const workers = Array.from({ length: options.maxWorkers }, (_, index) => runWorker(index, context));
      try {
        await Promise.all(workers);
      } catch (error) {
        drain.begin(error);
        await Promise.allSettled(workers);
        throw error;
      } finally {
        drain.close();
        pool.close();
      }
    },
  };
}

/** Stops sending at the first signal, and ends what is in flight at the second, or when it takes too long. */
function createDrain({ stop, abort, settings, notify }: SchedulerOptions, pool: WorkerPool, queue: TaskQueue) {
  let timer: NodeJS.Timeout | null = null;
  const stopSending = (): void => {
    queue.stop();
    pool.stopWaiting();
  };
  const onStop = (): void => {
    stopSending();
    timer ??= setTimeout(pool.abortAll, settings.drainTimeoutMs);
  };
  const onAbort = (): void => {
    stopSending();
    pool.abortAll();
  };
  stop.addEventListener('abort', onStop);
  abort.addEventListener('abort', onAbort);
  if (stop.aborted) onStop();
  if (abort.aborted) onAbort();
  return {
    /** Begins the drain after an error. Answers that are on their way are waited for, unless they can't be kept. */
    begin(error: unknown): void {
      const canBeKept = error instanceof LlmbatchError && !(error instanceof JournalError);
      if (!canBeKept || abort.aborted) return onAbort();
      onStop();
      const count = pool.inFlight();
      if (count > 0) notify({ topic: 'drain', text: lastAnswers(count, settings.drainTimeoutMs) });
    },
    close(): void {
      if (timer !== null) clearTimeout(timer);
      stop.removeEventListener('abort', onStop);
      abort.removeEventListener('abort', onAbort);
    },
  };
}

const lastAnswers = (count: number, maxMs: number): string =>
  `the run ends: ${formatCounted(count, 'request')} in flight may still be answered, for at most ${formatSeconds(maxMs / 1000)}`;
