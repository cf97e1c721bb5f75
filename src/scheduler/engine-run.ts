import type { GpuSample } from '../core/measurements.ts';
import type { Backend } from '../core/backend.ts';
import type { Emit } from '../core/events.ts';
import type { Notify } from '../core/notice.ts';
import type { WorkItem } from '../core/request.ts';
import type { ResultLine } from '../core/result-line.ts';
import type { RunnerSettings } from '../core/settings.ts';
import type { AttemptContext } from './attempt.ts';
import type { Breaker } from './limits/breaker.ts';
import type { ResultSource } from './build-result.ts';
import type { CulpritSearch } from './find-culprit.ts';
import type { Conversations } from './conversation.ts';
import type { LimitFinder } from './limits/find-limit.ts';
import type { RateLimitPause } from './limits/rate-limit-pause.ts';
import type { Outages } from './outages.ts';
import type { TaskQueue } from './task-queue.ts';
import type { AnswerVerifier } from './verify-answer.ts';
import type { SilenceWatch } from './watch-silence.ts';
import type { WorkerLimit } from './limits/worker-limit.ts';

export interface EngineRun {
  /** Batches of requests, read when a worker is free. */
  items: AsyncIterable<WorkItem[]>;
  backend: Backend;
  /** Requests in flight; the most of them where the number is found. */
  maxWorkers: number;
  /** What the server can hold is found, from so many on; null: it is known. */
  startsWith: number | null;
  /** Rolling histories, or null for independent requests. */
  conversations: Conversations | null;
  verifier: AnswerVerifier;
  settings: RunnerSettings;
  source: ResultSource;
  /** Hands a result to the journal; the promise is what makes a worker wait for a slow disk. */
  record: (row: number, line: ResultLine) => Promise<void> | undefined;
  emit: Emit;
  notify: Notify;
  /** From now on this is called with each sample of the GPUs; it takes the place of the one before. */
  onGpuSample: (listener: (gpus: GpuSample[]) => void) => void;
  /** First Ctrl-C: nothing new is sent, what is in flight may end within `drainTimeoutMs`. */
  stop: AbortSignal;
  /** Second Ctrl-C, or a failed journal: everything ends now. */
  abort: AbortSignal;
}

/** One of the workers: it has one request in flight. */
export interface Worker extends Omit<EngineRun, 'maxWorkers' | 'startsWith'>, AttemptContext {
  queue: TaskQueue;
  breaker: Breaker;
  workers: WorkerLimit;
  finder: LimitFinder | null;
  hold: RateLimitPause;
  outages: Outages;
  culprits: CulpritSearch;
  silence: SilenceWatch;
}
