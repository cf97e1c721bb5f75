import { addMeasured } from '../core/measurements.ts';
import type { AttemptTokens } from '../core/attempt-tokens.ts';
import type { ErrorKind } from '../core/errors.ts';
import type { ResultSample, RunEvent } from '../core/events.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { type ResultCounter, createResultCounter } from '../core/tally.ts';
import { createMachineWatch } from './machine.ts';
import { type Session, createSession } from './session.ts';

export interface Meter {
  add: (event: RunEvent) => void;
  /** Counts a result that an earlier session left on disk: counts, tokens and errors, not rates or times. */
  addEarlier: (sample: ResultSample) => void;
  /** Takes one failed result back, when its request is answered again. */
  forget: (kind: ErrorKind) => void;
  snapshot: () => Snapshot;
}

/**
 * Folds the events of a run into numbers; nothing else counts. Memory does not grow with the run.
 * Tokens count when an attempt ends, whatever comes of it; a result counts when it is on disk.
 * `now` is a clock in milliseconds that never goes back. Latency, time to first token and queue time are
 * those of successes: a failure's time says something about the failure.
 */
export function createMeter({ now = () => performance.now() }: { now?: () => number } = {}): Meter {
  const tally = createResultCounter();
  const machine = createMachineWatch();
  const context: Snapshot['context'] = { current: null, peak: null, limit: null, trims: 0 };
  const run: RunFacts = { total: null, workers: 0, workersAtStart: 0, mostWorkers: 0, loadMs: null };
  const seen = { inFlight: 0, retries: 0, engineRestarts: 0, engineLoad: null as Snapshot['engineLoad'] };
  let session = createSession(now());
  let hasStarted = false;

  const handlers: Handlers = {
    'run-start'({ total, workers, maxWorkers, contextTokens, loadMs }) {
      // A file that names several models starts once for each: it is one session.
      if (!hasStarted) session = createSession(now());
      hasStarted = true;
      Object.assign(run, { total, workers, workersAtStart: workers, mostWorkers: maxWorkers });
      if (loadMs !== null) run.loadMs = (run.loadMs ?? 0) + loadMs;
      context.limit = contextTokens;
    },
    'total-change': ({ total }) => (run.total = total),
    'request-start': () => seen.inFlight++,
    'request-end'(attempt) {
      seen.inFlight--;
      noteAttempt({ tally, session, context }, attempt, now());
    },
    'request-retry': () => seen.retries++,
    'result-end'({ sample }) {
      tally.addOutcome(sample);
      session.add(sample, now());
    },
    'history-trim': () => context.trims++,
    'workers-change': ({ workers }) => (run.workers = workers),
    'vram-guard': ({ did }) => machine.addStep(did),
    'engine-load': ({ load }) => (seen.engineLoad = load),
    'engine-restart': () => Object.assign(seen, { engineRestarts: seen.engineRestarts + 1, engineLoad: null }),
    ...ignored,
    'model-memory': ({ memory }) => machine.addModel(memory),
    'gpu-sample': ({ gpus }) => machine.addGpus(gpus),
    'process-sample': ({ cpuPercent, memoryBytes }) => machine.addProcess(cpuPercent, memoryBytes),
  };

  return {
    add: (event) => (handlers[event.type] as (event: RunEvent) => void)(event),
    addEarlier: (sample) => tally.add(sample),
    forget: (kind) => tally.forget(kind),
    snapshot() {
      const counts = tally.counts();
      const left = run.total === null ? null : Math.max(0, run.total - counts.done);
      // An engine that has nothing to do says nothing more.
      const engineLoad = seen.inFlight === 0 ? null : seen.engineLoad;
      const engine = { ...seen, engineLoad, ...machine.facts() };
      return { ...run, ...counts, ...engine, ...session.facts(now(), left), context: { ...context } };
    },
  };
}

type RunFacts = Pick<Snapshot, 'total' | 'workers' | 'workersAtStart' | 'mostWorkers' | 'loadMs'>;
const ignored = { 'engine-outage': () => {}, 'model-reload': () => {} };

type Handlers = { [Type in RunEvent['type']]: (event: Extract<RunEvent, { type: Type }>) => void };

function noteAttempt(
  { tally, session, context }: { tally: ResultCounter; session: Session; context: Snapshot['context'] },
  { tokens, isAnswered }: Pick<Extract<RunEvent, { type: 'request-end' }>, 'tokens' | 'isAnswered'>,
  atMs: number,
): void {
  tally.addAttempt(tokens, isAnswered);
  session.addAttempt(tokens, isAnswered, atMs);
  noteContext(context, tokens);
}

/** The context a request filled: its prompt, and as much of an answer as there was. */
function noteContext(context: Snapshot['context'], { promptTokens, completionTokens }: AttemptTokens): void {
  const tokens = addMeasured(promptTokens, completionTokens);
  if (tokens === null || tokens === 0) return;
  context.current = tokens;
  if (context.peak === null || tokens > context.peak) context.peak = tokens;
}
