import type { ResultSample, RunEvent } from '../../core/events.ts';
import type { FlightSample } from '../../core/measurements.ts';
import { type ResultCounter, createResultCounter } from '../../core/result-counter.ts';
import type { ServerNumbers } from '../../core/snapshot/server-numbers.ts';
import { type Session, createSession } from '../session.ts';
import type { AttemptEnd } from '../token-rate.ts';
import { createStateClock } from './state-clock.ts';

type ToldState = Extract<RunEvent, { type: 'server-state' }>;

/** One of the servers of a run, and what is counted of it. Times are milliseconds of the caller's clock here and below. */
export interface ServerWatch {
  /** It takes part from now on. */
  start(workers: number, atMs: number): void;
  setState(event: ToldState, atMs: number): void;
  setGivesWay(isOn: boolean, atMs: number): void;
  setWorkers(workers: number): void;
  addOutage(): void;
  addRetry(): void;
  addStart(atMs: number): void;
  addEnd(end: AttemptEnd, atMs: number): void;
  addFlight(flight: FlightSample, atMs: number): void;
  addResult(sample: ResultSample, atMs: number): void;
  isAtWork(): boolean;
  answered(): number;
  /** `untilMs`: the time until which the run had work. */
  read(nowMs: number, untilMs: number): Omit<ServerNumbers, 'share'>;
}

export function watchServer(name: string, createdAtMs: number): ServerWatch {
  const counter = createResultCounter();
  const clock = createStateClock(createdAtMs);
  const counts = { inFlight: 0, workers: 0, answered: 0 };
  const lost = { retries: 0, outages: 0 };
  let session: Session = createSession(createdAtMs);
  let hasStarted = false;

  return {
    start(workers, atMs) {
      if (!hasStarted) session = createSession(atMs);
      hasStarted = true;
      counts.workers = workers;
      clock.change({ is: 'up', reason: null }, atMs);
    },
    setState({ state, reason = null, forMs }, atMs) {
      if (state === 'out') lost.outages++;
      clock.change({ is: state, reason }, atMs, forMs);
    },
    setGivesWay: (givesWay, atMs) => clock.change({ givesWay }, atMs),
    setWorkers: (workers) => void (counts.workers = workers),
    addOutage: () => void lost.outages++,
    addRetry: () => void lost.retries++,
    addStart(atMs) {
      if (counts.inFlight++ === 0) clock.change({ isBusy: true }, atMs);
    },
    addEnd(end, atMs) {
      if (--counts.inFlight === 0) clock.change({ isBusy: false }, atMs);
      counter.addAttempt(end.tokens, end.isAnswered);
      session.addAttempt(end, atMs);
    },
    addFlight: (flight, atMs) => session.addFlight(flight, atMs),
    addResult(sample, atMs) {
      // What was never sent is no work of the server.
      if (sample.attempts === 0) return;
      if (sample.kind === null) counts.answered++;
      counter.addOutcome(sample);
      session.add(sample, atMs);
    },
    isAtWork: () => clock.is() === 'up' && counts.inFlight > 0,
    answered: () => counts.answered,
    read(nowMs, untilMs) {
      const { failed, ...work } = workOf(counter, session.read(nowMs, counts.inFlight > 0));
      const failedAttempts = lost.retries + failed;
      // One that goes on counts already.
      const outages = lost.outages + Number(clock.is() === 'away');
      return { name, ...clock.read(untilMs), ...counts, failed, failedAttempts, ...work, outages };
    },
  };
}

function workOf(counter: ResultCounter, { rates, times }: ReturnType<Session['read']>) {
  const { failed, tokens } = counter.counts();
  return { failed, rates, latencyMs: times.latencyMs, cacheHitRate: tokens.cacheHitRate };
}
