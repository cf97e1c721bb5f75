import type { ResultSample, RunEvent } from '../core/events.ts';
import { createResultCounter } from '../core/result-counter.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { createFlightWatch } from './flight-state.ts';
import { type MachineWatch, createMachineWatch } from './machine.ts';
import { createEta } from './eta.ts';
import { type Openings, createOpenings } from './servers/openings.ts';
import { createServersWatch } from './servers/servers-watch.ts';
import { createSession } from './session.ts';
import { createWorkClock } from './work-clock.ts';

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
export function createMeter({ now: wallNow = () => performance.now() }: { now?: () => number } = {}): Meter {
  const clock = createWorkClock(wallNow);
  const { now } = clock;
  const servers = createServersWatch();
  const counts = createCounts(now, (server) => servers.isAtWork(server));
  const eta = createEta();
  let copies = 0;
  return {
    add(event) {
      clock.note(event);
      if (event.type === 'copies-change') copies = event.copies;
      if (isOfServer(event)) servers.add(event, now());
      counts.add(event);
      eta.add(event, now());
    },
    addEarlier: counts.addEarlier,
    snapshot() {
      const snapshot = counts.snapshot();
      const progress = { ...snapshot.progress, ...clock.holds() };
      const hasWork = progress.inFlight > 0 || progress.total === null || progress.done < progress.total;
      const pausedSeconds = clock.heldMs() / 1000;
      const elapsedSeconds = snapshot.times.elapsedSeconds + pausedSeconds;
      const left = clock.isHeld() ? null : eta.read(withoutCopies(progress, copies));
      return {
        ...snapshot,
        progress,
        times: { ...snapshot.times, elapsedSeconds, pausedSeconds, eta: left },
        servers: servers.read(now(), hasWork),
      };
    },
  };
}

/** The progress towards what the engine is to answer. */
const withoutCopies = (
  { total, done }: Snapshot['progress'],
  copies: number,
): Pick<Snapshot['progress'], 'total' | 'done'> => ({
  total: total === null ? null : total - copies,
  done,
});

/** A meter without an ETA, for which all servers are one. `isAtWork`: the server with this number has requests in flight. */
function createCounts(now: () => number, isAtWork: (server: number) => boolean): Meter {
  const counter = createResultCounter();
  const machine = createMachineWatch();
  const flights = createFlightWatch();
  const openings = createOpenings();
  const run = { total: null as number | null, inFlight: 0, retries: 0 };
  let session = createSession(now());
  let hasStarted = false;

  const handlers: Handlers = {
    'model-start'(start) {
      // An input that names several models starts once for each of them: it is one session.
      if (!hasStarted) session = createSession(now());
      hasStarted = true;
      run.total = start.total;
      openings.addModel(start);
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
    ...openingHandlers(openings),
    ...machineHandlers(machine),
    ...ignored,
  };

  return {
    add: (event) => (handlers[event.type] as (event: RunEvent) => void)(event),
    addEarlier: (sample) => counter.add(sample),
    snapshot() {
      const { tokens, errors, ...counts } = counter.counts();
      const { rates, times } = session.read(now(), run.inFlight > 0);
      const progress = { ...run, ...flights.read(now(), run.inFlight), ...counts, ...openings.progress() };
      const engine = machine.read((server) => run.inFlight > 0 && isAtWork(server));
      const all = { progress, rates, tokens, errors, machine: engine, servers: null };
      return { ...all, times: { ...times, loadMs: openings.loadMs() } };
    },
  };
}

/** Does the event say something of one server among several, or name them? */
const isOfServer = (event: RunEvent): boolean =>
  event.server !== undefined ||
  event.type === 'servers' ||
  (event.type === 'result-end' && event.sample.server !== undefined);

const openingHandlers = (openings: Openings) =>
  ({
    'opening-step': ({ step }) => openings.setStep(step),
    'server-start': (start) => openings.addServer(start),
    'workers-change': ({ workers }) => openings.setWorkers(workers),
  }) satisfies Partial<Handlers>;

const machineHandlers = (machine: MachineWatch) =>
  ({
    'history-trim': () => machine.addTrim(),
    'vram-guard': ({ did }) => machine.addStep(did),
    'engine-load': ({ load, server }) => machine.addLoad(load, server),
    'engine-restart': ({ server }) => machine.addRestart(server),
    'model-memory': ({ memory }) => machine.addModel(memory),
    'gpu-sample': ({ gpus }) => machine.addGpus(gpus),
    'process-sample': ({ cpuPercent, memoryBytes }) => machine.addProcess(cpuPercent, memoryBytes),
  }) satisfies Partial<Handlers>;

const ignored = {
  pause: () => {},
  stop: () => {},
  'give-way': () => {},
  'copies-change': () => {},
  'engine-outage': () => {},
  'model-reload': () => {},
  servers: () => {},
  'server-state': () => {},
};

type Handlers = {
  [Type in RunEvent['type']]: (event: Extract<RunEvent, { type: Type }> & { server?: number }) => void;
};
