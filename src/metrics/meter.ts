import type { ResultSample, RunEvent } from '../core/events.ts';
import { createResultCounter } from '../core/result-counter.ts';
import type { Snapshot, WorkerCounts } from '../core/snapshot.ts';
import { createFlightWatch } from './flight-state.ts';
import { type MachineWatch, createMachineWatch } from './machine.ts';
import { createEta } from './eta.ts';
import { createSession } from './session.ts';

export interface Meter {
  add: (event: RunEvent) => void;
  /** Counts a result that an earlier session left on disk: it adds to counts, tokens and errors, not to rates or times. */
  addEarlier: (sample: ResultSample) => void;
  snapshot: () => Snapshot;
}

/**
 * Folds the events of a run into numbers. Nothing else counts, and memory does not grow with the run.
 * The sums of tokens count when an attempt ends, however it ends; their rates as the engine tells of them. A result counts when it is on disk. Latency, time to first token and
 * queue time are those of successful requests: the time of a failure says something about the failure alone.
 * `now` is a clock in milliseconds that never goes back.
 */
export function createMeter({ now = () => performance.now() }: { now?: () => number } = {}): Meter {
  const counts = createCounts(now);
  const eta = createEta();
  return {
    add(event) {
      counts.add(event);
      eta.add(event, now());
    },
    addEarlier: counts.addEarlier,
    snapshot() {
      const snapshot = counts.snapshot();
      return { ...snapshot, times: { ...snapshot.times, eta: eta.read(snapshot.progress) } };
    },
  };
}

/** A meter without an ETA. */
function createCounts(now: () => number): Meter {
  const counter = createResultCounter();
  const machine = createMachineWatch();
  const flights = createFlightWatch();
  const workers: WorkerCounts = { current: 0, atStart: 0, max: 0 };
  const run = { total: null as number | null, inFlight: 0, retries: 0 };
  let loadMs: number | null = null;
  let session = createSession(now());
  let hasStarted = false;

  const handlers: Handlers = {
    'model-start'(start) {
      // An input that names several models starts once for each of them: it is one session.
      if (!hasStarted) session = createSession(now());
      hasStarted = true;
      run.total = start.total;
      Object.assign(workers, { current: start.workers, atStart: start.workers, max: start.maxWorkers });
      if (start.loadMs !== null) loadMs = (loadMs ?? 0) + start.loadMs;
      machine.setContextLimit(start.contextTokens);
    },
    'total-change': ({ total }) => (run.total = total),
    'request-start': () => run.inFlight++,
    flight({ flight }) {
      flights.add(flight, now());
      session.addFlight(flight, now());
    },
    'request-end'(end) {
      run.inFlight--;
      counter.addAttempt(end.tokens, end.isAnswered);
      session.addAttempt(end, now());
      machine.addContext(end.tokens);
    },
    'request-retry': () => run.retries++,
    'result-end'({ sample }) {
      counter.addOutcome(sample);
      session.add(sample, now());
    },
    'workers-change': ({ workers: current }) => (workers.current = current),
    ...machineHandlers(machine),
    ...ignored,
  };

  return {
    add: (event) => (handlers[event.type] as (event: RunEvent) => void)(event),
    addEarlier: (sample) => counter.add(sample),
    snapshot() {
      const { tokens, errors, ...counts } = counter.counts();
      const { rates, times } = session.read(now(), run.inFlight > 0);
      const progress = { ...run, ...flights.read(now(), run.inFlight), ...counts, workers: { ...workers } };
      return { progress, rates, tokens, times: { ...times, loadMs }, errors, machine: machine.read(run.inFlight) };
    },
  };
}

const machineHandlers = (machine: MachineWatch) =>
  ({
    'history-trim': () => machine.addTrim(),
    'vram-guard': ({ did }) => machine.addStep(did),
    'engine-load': ({ load }) => machine.addLoad(load),
    'engine-restart': () => machine.addRestart(),
    'model-memory': ({ memory }) => machine.addModel(memory),
    'gpu-sample': ({ gpus }) => machine.addGpus(gpus),
    'process-sample': ({ cpuPercent, memoryBytes }) => machine.addProcess(cpuPercent, memoryBytes),
  }) satisfies Partial<Handlers>;

const ignored = {
  'engine-outage': () => {},
  'model-reload': () => {},
  'server-start': () => {},
  'server-state': () => {},
};

type Handlers = { [Type in RunEvent['type']]: (event: Extract<RunEvent, { type: Type }>) => void };
