import { failure } from '../../src/core/completion.ts';
import type { ErrorKind } from '../../src/core/errors.ts';
import type { EngineLoad } from '../../src/core/measurements.ts';
import { createLimitFinder } from '../../src/scheduler/limits/find-limit.ts';
import { completion } from './requests.ts';

/** What becomes of a request: when it ends, and how it fails, if it does. */
interface Fate {
  endsAt: number;
  kind?: ErrorKind;
  retryAfterMs?: number;
}

/** A server in a world without time: what it does with a request that comes now, while it has so many. */
export type SimulatedServer = (now: number, held: number) => Fate;

export interface Simulated {
  /** Answers per second, over all and in the second half. */
  rate: number;
  lateRate: number;
  /** Share of what was sent. */
  rejected: number;
  /** Mean number in flight in the second half, and the most of all. */
  held: number;
  peak: number;
  limits: number[];
}

export interface Simulation {
  requests?: number;
  start?: number;
  most?: number;
  /** What the server says of its load, asked once a second, with so many of ours; absent: it has no such page. */
  load?: (now: number, held: number) => EngineLoad | null;
}

type Flight = Fate & { sentAt: number };

/** Runs requests through the server, as many at a time as the finder says; those that fail come again later. */
export function simulate(server: SimulatedServer, simulation: Simulation = {}): Simulated {
  const { requests = 5000, start = 8, most = 256, load } = simulation;
  const seen = { done: 0, sent: 0, rejected: 0, peak: 0, area: 0, halfAt: 0 };
  const limits = [start];
  const flights: Flight[] = [];
  const retries: number[] = [];
  let unsent = requests;
  const time = { now: 0, heldUntil: 0, asksAt: load === undefined ? Infinity : 1000 };
  const onChange = (limit: number): void => void limits.push(limit);
  const finder = createLimitFinder({ start, max: most, onChange, now: () => time.now });
  const hasRoom = (): boolean => flights.length < (limits.at(-1) ?? 0);

  const send = (): void => {
    insert(flights, { sentAt: time.now, ...server(time.now, flights.length) });
    seen.sent++;
    seen.peak = Math.max(seen.peak, flights.length);
  };
  const fill = (): void => {
    while (time.now >= time.heldUntil && hasRoom()) {
      if (retries[0] !== undefined && retries[0] <= time.now) retries.shift();
      else if (unsent > 0) unsent--;
      else return;
      send();
    }
  };
  const advance = (until: number): void => {
    if (seen.done >= requests / 2) {
      seen.halfAt ||= time.now;
      seen.area += flights.length * (until - time.now);
    }
    time.now = until;
  };
  const end = (flight: Flight): void => {
    const { kind, retryAfterMs = 0 } = flight;
    advance(flight.endsAt);
    if (kind === undefined) seen.done++;
    else {
      seen.rejected++;
      retries.push(time.now + Math.max(250, retryAfterMs));
      retries.sort((a, b) => a - b);
      time.heldUntil = Math.max(time.heldUntil, time.now + retryAfterMs);
    }
    finder.onAnswer(kind === undefined ? completion('x') : failure(kind, ''), time.now - flight.sentAt, flights.length);
    flights.shift();
  };

  const ask = (): void => {
    advance(time.asksAt);
    finder.onLoad(load?.(time.now, flights.length) ?? null, flights.length);
    time.asksAt += 1000;
  };

  while (seen.done < requests) {
    fill();
    const wakesAt = time.now < time.heldUntil ? time.heldUntil : (retries[0] ?? Infinity);
    const flight = flights[0];
    if (time.asksAt <= Math.min(flight?.endsAt ?? Infinity, wakesAt)) ask();
    else if (flight === undefined || (hasRoom() && wakesAt < flight.endsAt)) advance(wakesAt);
    else end(flight);
  }
  return {
    rate: (1000 * requests) / time.now,
    lateRate: (1000 * (requests / 2)) / (time.now - seen.halfAt),
    rejected: seen.rejected / seen.sent,
    held: seen.area / (time.now - seen.halfAt),
    peak: seen.peak,
    limits,
  };
}

/** Keeps the next one to end in front. */
function insert(flights: Flight[], flight: Flight): void {
  let index = flights.length;
  while (index > 0 && (flights[index - 1]?.endsAt ?? 0) > flight.endsAt) index--;
  flights.splice(index, 0, flight);
}
