import { JournalError, LlmbatchError, messageOf } from '../core/errors.ts';
import { formatDuration, formatInteger } from '../text/format.ts';
import { createBreaker } from './limits/breaker.ts';
import type { EngineRun } from './engine-run.ts';
import { createCulpritSearch } from './find-culprit.ts';
import { type LimitFinder, createLimitFinder } from './limits/find-limit.ts';
import { createRateLimitPause } from './limits/rate-limit-pause.ts';
import { type InFlight, createInFlight } from './in-flight.ts';
import { runWorker } from './worker.ts';
import { createOutOfMemory } from './limits/out-of-memory.ts';
import { createOutages } from './outages.ts';
import { type TaskQueue, createTaskQueue } from './task-queue.ts';
import { createVramGuard } from './limits/vram-guard.ts';
import { watchSilence } from './watch-silence.ts';
import { type WorkerLimit, createWorkerLimit } from './limits/worker-limit.ts';

/**
 * Runs requests through a backend, `maxWorkers` at a time. Ends when all have a result, or when the run is stopped; throws
 * an `EngineError` when going on makes no sense. Requests without a result then are left for a resume.
 */
export async function runRequests(run: EngineRun): Promise<void> {
  const { settings, emit, notify } = run;
  const workers = createWorkerLimit(run.startsWith ?? run.maxWorkers, (count) => {
    emit({ type: 'workers-change', workers: count });
    queue.wake();
  });
  const finder = findLimit(run, workers);
  const onEnd = (): void => queue.wake();
  const onLoss = (silentMs: number): void => void inFlight.abortSilent(silentMs, 'away');
  const outages = createOutages(run.backend, { emit, notify, onEnd, onLoss });
  const hold = createRateLimitPause({ notify, onEnd });
  const mayTake = (worker: number): boolean => workers.allows(worker) && !outages.isOn() && !hold.isOn();
  const queue: TaskQueue = createTaskQueue(run.items, mayTake, workers.workers);
  const inFlight: InFlight = watchInFlight(run, outages.isOn);
  const stopSending = (): void => {
    queue.stop();
    outages.stop();
    hold.stop();
  };
  const drain = createDrain(run, inFlight, stopSending);
  const guard = createVramGuard({ ...run, workers, fail: queue.fail });
  run.onGpuSample(guard.onSample);
  const breaker = createBreaker(settings.maxErrorRate);
  const memory = createOutOfMemory(workers, notify);
  const culprits = createCulpritSearch({ ...settings, memory, workers });
  const fail = (error: Error): void => {
    queue.fail(error);
    inFlight.abortAll('stopped');
  };
  const silence = watchSilence({ backend: run.backend, inFlight, outages, fail });
  const shared = { ...run, ...settings, queue, inFlight, breaker, workers, finder, hold, outages, culprits, silence };
  const running = Array.from({ length: run.maxWorkers }, (_, worker) => runWorker({ ...shared, worker }));
  try {
    await Promise.all(running);
  } catch (error) {
    drain.begin(error);
    await Promise.allSettled(running);
    throw error;
  } finally {
    if (finder !== null) workers.set(finder.found());
    hold.stop();
    guard.close();
    silence.close();
    drain.close();
    inFlight.close();
  }
}

function findLimit({ startsWith, maxWorkers }: EngineRun, workers: WorkerLimit): LimitFinder | null {
  if (startsWith === null) return null;
  return createLimitFinder({ start: startsWith, most: maxWorkers, onChange: workers.set });
}

function watchInFlight({ settings, backend, notify }: EngineRun, isAway: () => boolean): InFlight {
  return createInFlight({
    ...settings,
    slots: backend.limits.slots,
    mayBeSilent: () => isAway() || backend.supervision?.isStarting?.() === true,
    onStall(silentMs) {
      const silence = `nothing came from the engine for ${formatDuration(silentMs)}`;
      notify({ topic: 'stall', text: `${silence}: what was in flight is tried again` });
      backend.supervision?.restart?.().catch((error: unknown) => notify({ topic: 'stall', text: messageOf(error) }));
    },
  });
}

/** Stops sending at the first signal, and ends what is in flight at the second, or when it takes too long. */
function createDrain({ stop, abort, settings, notify }: EngineRun, inFlight: InFlight, stopSending: () => void) {
  let timer: NodeJS.Timeout | null = null;
  const abortAll = (): void => inFlight.abortAll('stopped');
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
    /** The run ends with an error. Answers that are on their way are paid for, unless nobody can keep them. */
    begin(error: unknown): void {
      const canBeKept = error instanceof LlmbatchError && !(error instanceof JournalError);
      if (!canBeKept || abort.aborted) return onAbort();
      onStop();
      const count = inFlight.count();
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
  `the run ends: ${formatInteger(count)} ${count === 1 ? 'request' : 'requests'} in flight may still be answered, for at most ${formatDuration(maxMs)}`;
