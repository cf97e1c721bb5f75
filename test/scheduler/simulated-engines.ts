import { vi } from 'vitest';
import type { Backend } from '../../src/core/backend.ts';
import { type Answer, type Failure, failure } from '../../src/core/completion.ts';
import { EngineError } from '../../src/core/errors.ts';
import type { BatchRequest } from '../../src/core/request.ts';
import type { ResultLine } from '../../src/core/result-line.ts';
import type { Partition } from '../../src/scheduler/queue/partitions.ts';
import { type SchedulerEngine, type SchedulerOptions, createScheduler } from '../../src/scheduler/scheduler.ts';
import { type Seen, prepare, settings } from './prepare-run.ts';
import { completion, items, openMock } from './requests.ts';

/** fine · dead: nothing listens · hung: it takes all, and says nothing · failing: it answers with a failure, and says that it is not ready */
type State = 'fine' | 'dead' | 'hung' | 'failing';

/** An engine on the turned clock, for which trouble can be made. */
export interface SimulatedServer {
  backend: Backend;
  /** Ids that it was sent, in order. */
  sent: string[];
  /** Most requests that it had at a time. */
  most: () => number;
  deaths: () => number;
  /** Changes what it does from now on. What a dead one had is lost; what a hung one had is answered when it is fine again. */
  become: (state: State, failing?: Failure) => void;
  slowDown: (factor: number) => void;
}

export interface ServerOptions {
  /** Time of an answer in milliseconds. */
  ms?: number;
  /** It dies of these. */
  isPoison?: (id: string) => boolean;
  /** It is started again so many milliseconds after it died; null: it is not. */
  restartMs?: number | null;
  /** What it answers while it is fine. */
  answer?: (request: BatchRequest) => Answer;
}

const hold = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));
const gone = (): Failure => failure('connection', 'The server broke the connection.');
const notReady = failure('overloaded', 'The server says: no.');
/** The outage after which waiting is hopeless, as for a real server. */
const outageMs = 300_000;

export async function createServer(options: ServerOptions = {}): Promise<SimulatedServer> {
  const { isPoison = () => false, restartMs = null, answer = () => completion('ok') } = options;
  const now = { state: 'fine' as State, failing: notReady, ms: options.ms ?? 20, inFlight: 0, most: 0, deaths: 0 };
  const sent: string[] = [];
  const waiting = new Set<() => void>();
  const change = (): void => {
    for (const wake of waiting) wake();
    waiting.clear();
  };
  const changed = (): Promise<void> => new Promise((resolve) => void waiting.add(resolve));

  const die = (): void => {
    now.state = 'dead';
    now.deaths++;
    change();
    if (restartMs !== null)
      setTimeout(() => {
        now.state = 'fine';
        change();
      }, restartMs);
  };
  const work = async (request: BatchRequest): Promise<Answer> => {
    if (now.state === 'dead') return gone();
    if (isPoison(request.id)) {
      die();
      return gone();
    }
    const { deaths } = now;
    const isDone = hold(now.ms).then(() => true);
    while (now.deaths === deaths) {
      if (now.state === 'failing') return now.failing;
      const isOver = await Promise.race([isDone, changed().then(() => false)]);
      if (isOver && now.state !== 'hung' && now.deaths === deaths) return answer(request);
      if (isOver) await changed();
    }
    return gone();
  };
  const backend: Backend = {
    ...(await openMock()),
    async generate(request, { signal }) {
      sent.push(request.id);
      now.most = Math.max(now.most, ++now.inFlight);
      const aborted = new Promise<never>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
      return Promise.race([work(request), aborted]).finally(() => now.inFlight--);
    },
    supervision: {
      async recover(_failure, signal) {
        const startedAt = performance.now();
        for (let wasGone = false, tries = 0; ; tries++) {
          signal.throwIfAborted();
          if (now.state === 'fine') return wasGone ? 'gone' : tries > 0 ? 'away' : 'here';
          const isFinal = now.state === 'failing' && now.failing.kind === 'model-not-found';
          if (isFinal) throw new EngineError('model-not-found', now.failing.message);
          if (performance.now() - startedAt > outageMs) throw new EngineError('unusable', 'no server answered for 5m');
          wasGone ||= now.state === 'dead';
          await hold(250);
        }
      },
      async look() {
        if (now.state === 'hung') {
          await hold(5000);
          return failure('timeout', 'It accepts the connection, but does not answer.');
        }
        return now.state === 'fine' ? 'busy' : gone();
      },
    },
  };
  return {
    backend,
    sent,
    most: () => now.most,
    deaths: () => now.deaths,
    become(state, failing = notReady) {
      if (state === 'dead') return die();
      Object.assign(now, { state, failing });
      change();
    },
    slowDown: (factor) => void (now.ms *= factor),
  };
}

export interface TeamRun {
  lines: ResultLine[];
  events: Seen[];
  notices: string[];
  error: unknown;
  /** Seconds until the end, by the turned clock. */
  seconds: number;
  share: (name: string) => number;
}

export interface TeamOptions {
  count?: number;
  workers?: number;
  partitions?: Partition[];
  settings?: Partial<ReturnType<typeof settings>>;
  /** What happens when, in milliseconds from the start. */
  at?: [ms: number, act: (run: { stop: AbortController; abort: AbortController }) => void][];
  changes?: Partial<SchedulerOptions>;
  /** Longest time of the run in seconds, by the turned clock. */
  maxSeconds?: number;
}

type Opening = SimulatedServer | null | Promise<SimulatedServer | null>;

/** Runs requests on engines called a, b, and so on; null: it can't be opened. The clock must be turned. */
export async function runTeam(servers: Opening[], options: TeamOptions = {}): Promise<TeamRun> {
  const { count = 300, workers = 4, at = [], maxSeconds = 3600 } = options;
  const { run, lines, events, stop, abort } = prepare(await openMock(), {
    settings: settings({ ...options.settings }),
  });
  const { backend: _backend, maxWorkers: _max, startsWith: _starts, items: _items, ...rest } = run;
  const engines = servers.map(async (opening, index): Promise<SchedulerEngine | null> => {
    const server = await opening;
    return server && { backend: server.backend, maxWorkers: workers, startsWith: null, name: 'abcde'[index]! };
  });
  const partitions = options.partitions ?? [{ size: count, items: items(count) }];
  const startedAt = performance.now();
  const state = { isOver: false, error: null as unknown, endedAt: 0 };
  const end = (error: unknown): void => void Object.assign(state, { isOver: true, error, endedAt: performance.now() });
  for (const [ms, act] of at) setTimeout(() => act({ stop, abort }), ms);
  void createScheduler({ ...rest, ...options.changes, engines, partitions })
    .run()
    .then(() => end(null), end);
  for (let passed = 0; !state.isOver && passed < maxSeconds * 10; passed++) await vi.advanceTimersByTimeAsync(100);
  if (!state.isOver) throw new Error(`the run did not end within ${maxSeconds} s: ${lines.length} results`);
  return {
    lines,
    events,
    notices: events.flatMap((event) => (event.type === 'notice' ? [event.text] : [])),
    error: state.error,
    seconds: (state.endedAt - startedAt) / 1000,
    share: (name) => lines.filter(({ llmbatch }) => llmbatch.server === name).length,
  };
}
