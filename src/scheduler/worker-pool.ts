import type { Backend } from '../core/backend.ts';
import { messageOf } from '../core/errors.ts';
import type { Emit, Notify } from '../core/events.ts';
import type { BatchRequest } from '../core/request.ts';
import type { RunnerSettings } from '../core/settings.ts';
import { formatDuration } from '../text/format.ts';
import type { Conversations } from './conversation.ts';
import { type CulpritSearch, createCulpritSearch } from './find-culprit.ts';
import { type InFlight, createInFlight } from './in-flight.ts';
import { type Breaker, createBreaker } from './limits/breaker.ts';
import { createOutOfMemory } from './limits/out-of-memory.ts';
import { createRateLimitPause } from './limits/rate-limit-pause.ts';
import { createServerLimit } from './limits/server-limit.ts';
import { type GpuMonitor, createVramGuard } from './limits/vram-guard.ts';
import { type WorkerLimit, createWorkerLimit } from './limits/worker-limit.ts';
import { type Outages, createOutages } from './outages.ts';
import { type Attempt, sendRequest } from './send-request.ts';
import { watchCache } from './watches/watch-cache.ts';
import { watchLength } from './watches/watch-length.ts';
import { watchSilence } from './watches/watch-silence.ts';

export interface WorkerPoolOptions {
  backend: Backend;
  maxWorkers: number;
  startsWith: number | null;
  settings: Pick<RunnerSettings, 'retries' | 'timeoutMs' | 'stallTimeoutMs' | 'maxErrorRate' | 'vramLimit'>;
  conversations: Conversations | null;
  gpus: GpuMonitor;
  emit: Emit;
  notify: Notify;
  /** Called when a worker that might not take a request may take one now. */
  onRoom: () => void;
  /** Ends the run: the backend will not be of use any more. */
  fail: (error: Error) => void;
}

/**
 * The workers of one backend: how many of them may send now, and what each answer, each silence and the memory of the GPUs
 * say about that. Several backends would be several pools that take from one queue.
 */
export interface WorkerPool {
  readonly limit: WorkerLimit;
  readonly outages: Outages;
  readonly culprits: CulpritSearch;
  readonly breaker: Breaker;
  /** May this worker (0-based) take a request now? */
  mayTake: (worker: number) => boolean;
  /** Sends a request once, for this worker; the pool learns from the answer. */
  send: (worker: number, request: BatchRequest) => Promise<Attempt>;
  /** Number of requests in flight. */
  inFlight: () => number;
  /** Ends every request in flight; they stay unanswered. */
  abortAll: () => void;
  /** Nobody waits any longer for the backend to come back, or for the end of a pause. */
  stopWaiting: () => void;
  close: () => void;
}

export function createWorkerPool(options: WorkerPoolOptions): WorkerPool {
  const { backend, settings, emit, notify, onRoom } = options;
  const limit = createWorkerLimit(options.startsWith ?? options.maxWorkers, (workers) => {
    emit({ type: 'workers-change', workers });
    onRoom();
  });
  const onLoss = (silentMs: number): void => void inFlight.abortSilent(silentMs, 'away');
  const outages = createOutages(backend, { emit, notify, onEnd: onRoom, onLoss });
  const pause = createRateLimitPause({ notify, onEnd: onRoom });
  const inFlight: InFlight = watchInFlight(options, outages.isOn);
  const guard = createVramGuard({ ...options, workers: limit });
  const memory = createOutOfMemory(limit, notify);
  const abortAll = (): void => inFlight.abortAll('stopped');
  const fail = (error: Error): void => {
    options.fail(error);
    abortAll();
  };
  const silence = watchSilence({ backend, inFlight, outages, fail });
  const cache = watchCache({ backend, notify });
  const server = createServerLimit({ ...options, limit, inFlight: inFlight.count, isAway: outages.isOn });
  const sending = { backend, inFlight, emit, ...settings };

  return {
    limit,
    outages,
    culprits: createCulpritSearch({ memory, workers: limit, retries: settings.retries }),
    breaker: createBreaker(settings.maxErrorRate),
    mayTake: (worker) => limit.allows(worker) && !outages.isOn() && !pause.isOn(),
    async send(worker, request) {
      server.onSend(request);
      const attempt = await sendRequest(request, worker, sending);
      const { answer, latencyMs } = attempt;
      server.onEnd(request, answer, latencyMs);
      if (answer === null) return attempt;
      pause.onAnswer(answer);
      cache.onAnswer(worker, request, answer);
      if (answer.status === 'completed') silence.onAnswer(latencyMs);
      return attempt;
    },
    inFlight: inFlight.count,
    abortAll,
    stopWaiting() {
      outages.stop();
      pause.stop();
    },
    close() {
      for (const part of [server, guard, silence, inFlight]) part.close();
      pause.stop();
    },
  };
}

function watchInFlight({ settings, backend, emit, notify }: WorkerPoolOptions, isAway: () => boolean): InFlight {
  return createInFlight({
    timeoutMs: settings.timeoutMs,
    stallTimeoutMs: settings.stallTimeoutMs,
    slots: backend.limits.slots,
    mayBeSilent: () => isAway() || backend.supervision?.isStarting?.() === true,
    onSample: (flight) => emit({ type: 'flight', flight }),
    watch: watchLength(notify),
    onStall(silentMs) {
      const silence = `nothing came from the engine for ${formatDuration(silentMs)}`;
      notify({ topic: 'stall', text: `${silence}: what was in flight is tried again` });
      backend.supervision?.restart?.().catch((error: unknown) => notify({ topic: 'stall', text: messageOf(error) }));
    },
  });
}
