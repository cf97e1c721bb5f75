import { createDeferred } from '../async/deferred.ts';
import type { Backend } from '../core/backend.ts';
import { JournalError, LlmbatchError } from '../core/errors.ts';
import type { Emit, Notify } from '../core/events.ts';
import type { LiveControl } from './live-control.ts';
import type { RunnerSettings } from '../core/settings.ts';
import { formatCounted, formatSeconds } from '../text/format.ts';
import { createAttempter } from './attempt.ts';
import type { ResultSink } from './build-result.ts';
import { type Conversations, historiesFrom } from './conversation.ts';
import { type Crew, createCrew } from './crew.ts';
import { createBreaker } from './limits/breaker.ts';
import type { GpuMonitor } from './limits/vram-guard.ts';
import type { Partition } from './queue/partitions.ts';
import { type TaskQueue, createTaskQueue } from './queue/task-queue.ts';
import { joinFlights } from './team/join-flights.ts';
import { type LastHope, createLastHope } from './team/last-hope.ts';
import { type Team, createTeam } from './team/team.ts';
import type { AnswerVerifier } from './verify-answer.ts';
import type { TellState } from './outages.ts';
import { type WorkerPool, createWorkerPool } from './worker-pool.ts';

/** The settings of a run that say how its requests are sent. */
type SchedulerSettings = Pick<
  RunnerSettings,
  | 'retries'
  | 'retryOn'
  | 'timeoutMs'
  | 'stallTimeoutMs'
  | 'drainTimeoutMs'
  | 'maxErrorRate'
  | 'vramLimit'
  | 'background'
>;

/** An engine that answers, with its model loaded. */
export interface SchedulerEngine {
  backend: Backend;
  /** Number of requests in flight; the largest number where the scheduler searches for the best one. */
  maxWorkers: number;
  /** Number of requests in flight with which the search for what the server can hold begins; null: it is known. */
  startsWith: number | null;
  /** Its name among several servers, for messages and results; null where it is the only one. */
  name: string | null;
}

/** The parts of a scheduler: engines, the requests, where the results go, and who is told of it. */
export interface SchedulerOptions extends ResultSink {
  /**
   * The engines, which share the requests. One that is still being opened takes part when it is there; null: it never will.
   * They don't reject.
   */
  engines: readonly Promise<SchedulerEngine | null>[];
  /** The requests: each engine stays on a partition for as long as it lasts. */
  partitions: readonly Partition[];
  settings: SchedulerSettings;
  /** The rolling histories of the workers; null: each request is sent alone. */
  conversations: Conversations | null;
  verifier: AnswerVerifier;
  gpus: GpuMonitor;
  /** What the user changes meanwhile; absent: nothing. */
  control?: LiveControl;
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

/** Time between two looks at what idle engines could take from others, in milliseconds. */
const balanceMs = 250;

export function createScheduler(options: SchedulerOptions): Scheduler {
  const queue = createTaskQueue(options.partitions);
  const pools: WorkerPool[] = [];
  const crews: Crew[] = [];
  const drain = createDrain(options, pools, queue);
  const team = createTeam(options.engines.length);
  const lastHope = createLastHope({
    opening: options.engines.length,
    isLost: () => pools.every((pool) => pool.isOut()),
    fail: queue.fail,
  });
  const openPool = createPools(options, { pools, team, lastHope, queue });
  const balance = createBalance(options, team, queue);
  const ended = createDeferred<null>();

  const runEngine = async (opening: Promise<SchedulerEngine | null>, number: number): Promise<void> => {
    const engine = await Promise.race([opening, ended.promise]);
    lastHope.noteOpening(engine !== null);
    if (engine === null) return;
    const crew = createCrew(openPool(engine, number), { maxWorkers: engine.maxWorkers, control: options.control });
    crews.push(crew);
    await crew.ended;
    // There is nothing more to do, so that nobody waits for an engine that is still being opened.
    ended.resolve(null);
  };
  return {
    async run() {
      const engines = options.engines.map(runEngine);
      const timer = team.hasSeveral ? setInterval(balance, balanceMs) : undefined;
      const unsubscribe = options.control?.subscribe(() => {
        for (const crew of crews) crew.follow();
        queue.wake();
      });
      try {
        await Promise.all(engines);
      } catch (error) {
        drain.begin(error);
        ended.resolve(null);
        await Promise.allSettled(engines);
        await Promise.allSettled(crews.flatMap((crew) => crew.workers));
        throw error;
      } finally {
        clearInterval(timer);
        lastHope.close();
        unsubscribe?.();
        drain.close();
        for (const pool of pools) pool.close();
      }
    },
  };
}

/** Returns what lets idle engines take from others; a history stays where it is. */
function createBalance({ conversations }: SchedulerOptions, team: Team, queue: TaskQueue): () => void {
  return () => {
    if (conversations === null && queue.left() === 0) team.balance();
    // Who holds back for the others may see by now that they are late.
    queue.wake();
  };
}

/** Returns what opens the pool of an engine, and gives what its workers need. */
function createPools(
  options: SchedulerOptions,
  { pools, team, lastHope, queue }: { pools: WorkerPool[]; team: Team; lastHope: LastHope; queue: TaskQueue },
) {
  const { settings, gpus, control, verifier, record, source } = options;
  const { hasSeveral } = team;
  const join = joinFlights();
  const runBreaker = hasSeveral ? createBreaker(settings.maxErrorRate) : null;
  const shares = { lastHope, runBreaker, onRoom: queue.wake, fail: queue.fail };
  const shared = { settings, gpus, control, team, answers: { count: 0 }, ...shares };
  const sumOf = createWorkerSum();

  return ({ backend, maxWorkers, startsWith, name }: SchedulerEngine, engine: number) => {
    const { emit, notify } = hasSeveral ? voiceOf(options, engine, name ?? '') : options;
    const conversations = options.conversations && historiesFrom(options.conversations, engine);
    const onWorkers = (workers: number): void =>
      emit({ type: 'workers-change', workers: sumOf(engine, workers), ...(hasSeveral && { ofServer: workers }) });
    if (hasSeveral) tellStart(emit, { backend, maxWorkers, startsWith, name });
    const pool = createWorkerPool({
      ...shared,
      engine,
      backend,
      maxWorkers,
      startsWith,
      conversations,
      emit,
      notify,
      onState: (...told) => void (hasSeveral && tellState(emit, told)),
      onFlight: (flight) => emit({ type: 'flight', flight: hasSeveral ? join(engine, flight) : flight }),
      onWorkers,
    });
    pools.push(pool);
    if (hasSeveral) onWorkers(pool.workers());
    else sumOf(engine, pool.workers());
    const tasks = queue.join(engine, {
      mayTake: pool.mayTake,
      maxTaken: pool.limit.workers,
      isolates: backend.limits.isolates === true,
      mayAvoid: pool.hasTaker,
      areOut: team.areOut,
      mayBegin: () => team.mayBegin(pool, queue.left()),
    });
    const attempt = createAttempter({ verifier, conversations, send: pool.send });
    const ownSource = name === null ? source : { ...source, server: name };
    return { queue, tasks, pool, attempt, conversations, settings, record, source: ownSource, emit, notify };
  };
}

function tellState(emit: Emit, [state, reason, forMs]: Parameters<TellState>): void {
  const since = forMs === undefined ? {} : { forMs };
  emit({ type: 'server-state', state, ...since, ...(reason !== undefined && { reason }) });
}

function tellStart(emit: Emit, { backend, maxWorkers, startsWith, name }: SchedulerEngine): void {
  const workers = startsWith ?? maxWorkers;
  emit({ type: 'server-start', name: name ?? '', workers, maxWorkers, loadMs: backend.info.loadMs });
}

/** Returns what notes the workers of one engine, and gives those of all. */
function createWorkerSum(): (engine: number, workers: number) => number {
  const all: number[] = [];
  return (engine, workers) => {
    all[engine] = workers;
    return all.reduce((sum, some) => sum + some, 0);
  };
}

/** Tells of one engine among several: events with its number, sentences behind its name. */
function voiceOf({ emit, notify }: Pick<SchedulerOptions, 'emit' | 'notify'>, server: number, name: string) {
  return {
    emit: ((event) => emit({ ...event, server })) satisfies Emit,
    notify: ((notice) => notify({ ...notice, text: `${name}: ${notice.text}` })) satisfies Notify,
  };
}

/** Stops sending at the first signal, and ends what is in flight at the second, or when it takes too long. */
function createDrain(
  { stop, abort, settings, emit, notify }: SchedulerOptions,
  pools: readonly WorkerPool[],
  queue: TaskQueue,
) {
  let timer: NodeJS.Timeout | null = null;
  const stopSending = (): void => {
    emit({ type: 'stop' });
    queue.stop();
    for (const pool of pools) pool.stopWaiting();
  };
  const abortAll = (): void => {
    for (const pool of pools) pool.abortAll();
  };
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
    /** Begins the drain after an error. Answers that are on their way are waited for, unless they can't be kept. */
    begin(error: unknown): void {
      const canBeKept = error instanceof LlmbatchError && !(error instanceof JournalError);
      if (!canBeKept || abort.aborted) return onAbort();
      onStop();
      const count = pools.reduce((sum, pool) => sum + pool.inFlight(), 0);
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
