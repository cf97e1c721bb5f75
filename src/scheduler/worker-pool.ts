import type { Backend } from '../core/backend.ts';
import type { Failure } from '../core/completion.ts';
import { EngineError, messageOf } from '../core/errors.ts';
import type { Emit, Notify } from '../core/events.ts';
import type { LiveControl } from './live-control.ts';
import type { FlightSample } from '../core/measurements.ts';
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
import { type EngineState, type Outages, type TellState, createOutages } from './outages.ts';
import { type Attempt, type SentTo, sendRequest } from './send-request.ts';
import { createAbsence } from './team/absence.ts';
import { createAnswerPace } from './team/answer-pace.ts';
import type { LastHope } from './team/last-hope.ts';
import type { Member, Team } from './team/team.ts';
import { watchCache } from './watches/watch-cache.ts';
import { watchLength } from './watches/watch-length.ts';
import { watchSilence } from './watches/watch-silence.ts';

export interface WorkerPoolOptions {
  /** Number of the engine among those of the run, from 0. */
  engine: number;
  backend: Backend;
  maxWorkers: number;
  startsWith: number | null;
  settings: Pick<
    RunnerSettings,
    'retries' | 'timeoutMs' | 'stallTimeoutMs' | 'maxErrorRate' | 'vramLimit' | 'background'
  >;
  conversations: Conversations | null;
  gpus: GpuMonitor;
  team: Team;
  lastHope: LastHope;
  /** What the user changes meanwhile. */
  control: LiveControl | undefined;
  /** Number of answers of the run, of all its engines. */
  answers: { count: number };
  runBreaker: Breaker | null;
  emit: Emit;
  notify: Notify;
  onState: TellState;
  onFlight: (flight: FlightSample) => void;
  /** Called with the number of workers that may send from now on. */
  onWorkers: (workers: number) => void;
  /** Called when a worker that might not take a request may take one now. */
  onRoom: () => void;
  /** Ends the run: the backend will not be of use any more, and there is no other. */
  fail: (error: Error) => void;
}

/**
 * The workers of one engine: how many of them may send now, and what each answer, each silence and the memory of the GPUs
 * say about that. The pools of several engines take from one queue.
 */
export interface WorkerPool extends Member {
  readonly limit: WorkerLimit;
  readonly outages: Outages;
  readonly culprits: CulpritSearch;
  readonly breaker: Breaker;
  /** That of all engines of the run together; null where this one is the only one. */
  readonly runBreaker: Breaker | null;
  /** May this worker (0-based) take a request now? */
  mayTake: (worker: number) => boolean;
  /** Sends a request once; the pool learns from the answer. */
  send: (request: BatchRequest, to: SentTo) => Promise<Attempt>;
  /**
   * Where was the engine? Waits while the only engine of a run is away, as `Outages.settle`, and rejects where the run can't go on.
   * Where there are several, an engine that is away is left to come back, and another one can have the request.
   */
  settle: (failure: Failure, ended: number) => Promise<EngineState>;
  /** The failed attempt says something of how many requests the server can hold, by where the server was then. */
  noteFailure: (failure: Failure, latencyMs: number, wasAway: boolean) => void;
  /** The engine is of no use: it is left out. False where it is the last one, so that the run can't go on. */
  leave: (error: EngineError) => boolean;
  /** Is there another engine that is not out? */
  hasOther: () => boolean;
  /** Is there another engine that takes requests now, and answers them? */
  hasTaker: () => boolean;
  /** The server has asked for a wait, which is not over. */
  isPaused: () => boolean;
  /** Ends every request in flight; they stay unanswered. */
  abortAll: () => void;
  /** Nobody waits any longer for the backend to come back, or for the end of a pause. */
  stopWaiting: () => void;
  close: () => void;
}

export function createWorkerPool(options: WorkerPoolOptions): WorkerPool {
  const { team, lastHope, onRoom } = options;
  const parts = createParts(options, (error) => giveUp(error));
  const { limit, outages, pause, inFlight, culprits, breaker, absence, server, times, stopWaiting, close } = parts;
  const leave = (error: EngineError): boolean => {
    if (!team.hasOther(pool) && !lastHope.mayWait(error)) return false;
    absence.begin(error);
    inFlight.abortAll('away');
    // What others failed, and were to leave to this engine, they may take themselves now.
    onRoom();
    return true;
  };
  const giveUp = (error: Error): void => {
    if (error instanceof EngineError && leave(error)) return;
    options.fail(error);
    inFlight.abortAll('stopped');
  };
  const isPaused = (): boolean => (options.control?.paused() ?? null) !== null;
  const isThere = (): boolean =>
    !isPaused() && !server.isGivingWay() && !absence.isOn() && !outages.isOn() && !pause.isOn();

  const pool: WorkerPool = {
    engine: options.engine,
    limit,
    outages,
    culprits,
    breaker,
    runBreaker: options.runBreaker,
    isOpen: () => isThere() && limit.allows(0),
    isOut: absence.isOn,
    workers: limit.workers,
    inFlight: inFlight.count,
    usualMs: times.usualMs,
    silentMs: times.silentMs,
    giveAway: inFlight.giveAway,
    hasOther: () => team.hasOther(pool),
    hasTaker: () => team.hasTaker(pool),
    isPaused: pause.isOn,
    mayTake: (worker) => limit.allows(worker) && isThere(),
    send: createSender(options, parts),
    settle: (failure, ended) => (team.hasSeveral ? outages.confirm(failure, ended) : outages.settle(failure, ended)),
    noteFailure: (failure, latencyMs, wasAway) =>
      server.onFailure(failure, latencyMs, wasAway ? outages.ended() : null),
    leave,
    abortAll: () => inFlight.abortAll('stopped'),
    stopWaiting,
    close,
  };
  team.join(pool);
  return pool;
}

type Parts = ReturnType<typeof createParts>;

/** What watches an engine and its answers. `giveUp`: the engine will not be of use any more. */
function createParts(options: WorkerPoolOptions, giveUp: (error: Error) => void) {
  const { backend, settings, emit, notify, onState, onRoom } = options;
  const limit = createWorkerLimit(options.startsWith ?? options.maxWorkers, (workers) => {
    options.onWorkers(workers);
    onRoom();
  });
  const onLoss = (silentMs: number): void => void inFlight.abortSilent(silentMs, 'away');
  const onHopeless = options.team.hasSeveral ? giveUp : undefined;
  // What is left out stays out, whatever an outage that it has beside it comes to.
  const tellOutage: TellState = (...told) => void (absence.isOn() || onState(...told));
  const outages = createOutages(backend, {
    emit,
    notify,
    onState: tellOutage,
    onEnd: onRoom,
    onHopeless,
    onLoss,
    hasOthers: options.team.hasSeveral,
  });
  const pause = createRateLimitPause({ notify, onEnd: onRoom });
  const inFlight: InFlight = watchInFlight(options, outages.isOn);
  const breaker = createBreaker(settings.maxErrorRate);
  const onReturn = (): void => {
    breaker.reset();
    options.lastHope.noteReturn();
    onRoom();
  };
  const absence = createAbsence({ ...options, onReturn });
  const guard = createVramGuard({ ...options, workers: limit, fail: giveUp });
  const silence = watchSilence({ ...options, ...settings, inFlight, outages, fail: giveUp });
  const server = createServerLimit({ ...options, limit, inFlight: inFlight.count, isAway: outages.isOn });
  const stopWaiting = (): void => [outages, absence, pause].forEach((part) => part.stop());
  return {
    limit,
    outages,
    pause,
    inFlight,
    breaker,
    culprits: createCulpritSearch({ ...options, memory: createOutOfMemory(limit, notify), workers: limit }),
    absence,
    silence,
    cache: watchCache({ backend, notify }),
    server,
    times: createAnswerPace(),
    stopWaiting,
    close: () => {
      for (const part of [server, guard, silence, inFlight]) part.close();
      stopWaiting();
    },
  };
}

/** Returns what sends a request, and lets all parts learn from the answer. */
function createSender({ backend, settings, emit }: WorkerPoolOptions, parts: Parts): WorkerPool['send'] {
  const { inFlight, pause, server, silence, cache, times } = parts;
  const sending = { backend, inFlight, emit, ...settings };
  return async (request, to) => {
    const { worker } = to;
    times.onSend(inFlight.count() === 0);
    server.onSend(request);
    const attempt = await sendRequest(request, to, sending);
    const { answer, latencyMs } = attempt;
    server.onEnd(request, answer, latencyMs);
    if (answer === null) return attempt;
    const isAnswered = answer.status === 'completed';
    pause.onAnswer(answer);
    cache.onAnswer(worker, request, answer);
    times.onAnswer(isAnswered ? latencyMs : null);
    if (isAnswered) silence.onAnswer(latencyMs);
    return attempt;
  };
}

function watchInFlight(options: WorkerPoolOptions, isAway: () => boolean): InFlight {
  const { settings, backend, notify } = options;
  return createInFlight({
    timeoutMs: settings.timeoutMs,
    stallTimeoutMs: settings.stallTimeoutMs,
    slots: backend.limits.slots,
    mayBeSilent: () => isAway() || backend.supervision?.isStarting?.() === true,
    onSample: options.onFlight,
    watch: watchLength(notify),
    onStall(silentMs) {
      const silence = `nothing came from the engine for ${formatDuration(silentMs)}`;
      notify({ topic: 'stall', text: `${silence}: what was in flight is tried again` });
      backend.supervision?.restart?.().catch((error: unknown) => notify({ topic: 'stall', text: messageOf(error) }));
    },
  });
}
