import type { Usage } from '../core/completion.ts';
import type { FlightSample } from '../core/measurements.ts';
import { type BatchRequest, maxTokensOf } from '../core/request.ts';
import { type ToldEntry, type ToldTokens, createToldTokens } from './told-tokens.ts';

/** Why an attempt was ended from outside. `away`: the engine that had it went away · `given-away`: another engine is to have it. */
type AbortCause = 'stopped' | 'timeout' | 'stalled' | 'away' | 'given-away';

/** One attempt under way. Times are those of a clock that never goes back, in milliseconds. */
export interface FlightEntry extends ToldEntry {
  readonly request: BatchRequest;
  /** Made when the backend asks for the signal: one that never does costs nothing. */
  controller: AbortController | null;
  /** Set when the attempt is aborted. */
  cause: AbortCause | null;
  /** Number of attempts that were sent before this one. */
  readonly number: number;
  /** The engine was known to have room for it when it was sent. */
  readonly hasRoom: boolean;
  /**
   * Time at which the engine was first known to work on the request; null while it may wait in a queue, which is not
   * the request's fault.
   */
  activeSince: number | null;
  /** Time of the last sign of life; null before the first one. */
  lastSignAt: number | null;
  /** Time at which a sample first saw a token of its answer; null before that. */
  writingSince: number | null;
}

export interface InFlightOptions {
  /** Longest time of an attempt in milliseconds; null: no limit. */
  timeoutMs: number | null;
  /** Longest silence on all attempts together, in milliseconds. */
  stallTimeoutMs: number;
  /** Requests that the engine works on at the same time; null where it isn't known. */
  slots: number | null;
  /** The engine has a reason to be silent. */
  mayBeSilent: () => boolean;
  onStall: (silentMs: number) => void;
  /** Takes what came of the attempts, about twice a second while there are any, and a last time at the end. */
  onSample: (sample: FlightSample) => void;
  /** Takes all attempts and the time, as often. */
  watch?: (entries: Iterable<FlightEntry>, at: number) => void;
  /** Milliseconds that never go back. */
  now?: () => number;
}

/** All attempts under way, watched by one timer: a timer and a signal for each would cost more than a fast request. */
export interface InFlight {
  start: (request: BatchRequest) => FlightEntry;
  /**
   * It is over; `isAnswered`: the engine answered it, and has room for another one. `usage`: its tokens, as the engine
   * counted them.
   */
  end: (entry: FlightEntry, isAnswered: boolean, usage?: Usage) => void;
  signalOf: (entry: FlightEntry) => AbortSignal;
  /** Something came from the engine for this attempt. */
  touch: (entry: FlightEntry) => void;
  /** The engine computed these tokens of its prompt, and had these in its cache. */
  addPrompt: (entry: FlightEntry, computed: number, cached: number) => void;
  abortAll: (cause: AbortCause) => void;
  /** Ends those of which there was no sign of life in the last so many milliseconds. Returns how many. */
  abortSilent: (silentMs: number, cause: AbortCause) => number;
  /** Ends those that are wanted, the first one sent in front, so many at most: other engines take them. Returns how many. */
  giveAway: (isWanted: (entry: FlightEntry, ageMs: number) => boolean, max: number) => number;
  /** Milliseconds without a sign of life for any of them; 0 where there are none. */
  silentMs: () => number;
  count: () => number;
  close: () => void;
}

const sweepMs = 100;
const sampleMs = 500;
/**
 * A longer gap between two sweeps, in milliseconds, is no silence of the engine: the computer slept, or this process
 * did.
 */
const maxGapMs = 5000;

/** Requests in flight in the order of sending, and what was seen of the engine. */
interface Flight {
  readonly entries: Set<FlightEntry>;
  readonly told: ToldTokens;
  readonly now: () => number;
  sent: number;
  lastActivity: number;
  /** Times at which the engine was last being started, and at which it gave its last answer. */
  readyAt: number;
  answeredAt: number;
}

export function createInFlight(options: InFlightOptions): InFlight {
  const { slots, now = () => performance.now() } = options;
  const entries = new Set<FlightEntry>();
  const past = { readyAt: -Infinity, answeredAt: -Infinity };
  const told = createToldTokens(entries);
  const flight: Flight = { entries, told, now, sent: 0, lastActivity: now(), ...past };
  // Keeps the process alive: an engine that hangs may hold nothing open.
  const timer = setInterval(createSweep(flight, options), sweepMs);

  return {
    start(request) {
      const at = now();
      // An idle engine is not a silent one: the silence counts from the first request after it.
      if (entries.size === 0) flight.lastActivity = at;
      const entry = newEntry(request, at, flight.sent++, slots !== null && entries.size < slots);
      entries.add(entry);
      return entry;
    },
    end(entry, isAnswered, usage) {
      entries.delete(entry);
      flight.lastActivity = now();
      told.end(entry, flight.lastActivity, usage);
      if (isAnswered) flight.answeredAt = flight.lastActivity;
    },
    signalOf(entry) {
      entry.controller ??= new AbortController();
      if (entry.cause !== null) entry.controller.abort(new Error(entry.cause));
      return entry.controller.signal;
    },
    touch(entry) {
      const at = now();
      flight.lastActivity = at;
      entry.lastSignAt = at;
      entry.activeSince ??= at;
    },
    addPrompt: told.addPrompt,
    abortAll: (cause) => abortEach(entries, cause),
    abortSilent(silentMs, cause) {
      const since = now() - silentMs;
      const silent = [...entries].filter(({ lastSignAt }) => lastSignAt === null || lastSignAt <= since);
      abortEach(silent, cause);
      return silent.length;
    },
    giveAway: (isWanted, max) => giveAway(flight, isWanted, max),
    silentMs: () => (entries.size === 0 ? 0 : now() - flight.lastActivity),
    count: () => entries.size,
    close() {
      clearInterval(timer);
      tellSample(flight, options);
    },
  };
}

const newEntry = (request: BatchRequest, sentAt: number, number: number, hasRoom: boolean): FlightEntry => ({
  request,
  controller: null,
  cause: null,
  number,
  hasRoom,
  sentAt,
  activeSince: null,
  lastSignAt: null,
  writingSince: null,
  pieces: 0,
  countedPieces: 0,
  generated: 0,
  promptComputed: 0,
  promptCached: 0,
  limit: maxTokensOf(request.body),
  bytes: request.bytes ?? 0,
});

function abortEach(entries: Iterable<FlightEntry>, cause: AbortCause): void {
  for (const entry of entries) {
    entry.cause ??= cause;
    entry.controller?.abort(new Error(cause));
  }
}

function giveAway(
  { entries, now }: Flight,
  isWanted: (entry: FlightEntry, ageMs: number) => boolean,
  max: number,
): number {
  const given: FlightEntry[] = [];
  for (const entry of entries) {
    if (given.length >= max) break;
    if (entry.cause === null && isWanted(entry, now() - entry.sentAt)) given.push(entry);
  }
  abortEach(given, 'given-away');
  return given.length;
}

function tellSample({ told, now }: Flight, { onSample }: InFlightOptions): void {
  const sample = told.sample(now());
  if (sample !== null) onSample(sample);
}

/** Returns what tells samples, and ends, at each sweep, the attempts that take too long. */
function createSweep(flight: Flight, options: InFlightOptions): () => void {
  const { entries, now } = flight;
  const { timeoutMs, stallTimeoutMs, mayBeSilent, onStall } = options;
  let sweptAt = now();
  let sampledAt = sweptAt;
  return () => {
    const at = now();
    if (at - sweptAt > maxGapMs) beginAnew(flight, at);
    sweptAt = at;
    if (at - sampledAt >= sampleMs) {
      sampledAt = at;
      tellSample(flight, options);
      options.watch?.(entries, at);
    }
    if (entries.size === 0) return;
    if (mayBeSilent()) Object.assign(flight, { lastActivity: at, readyAt: at });
    if (timeoutMs !== null) endLate(flight, at, timeoutMs);
    const silentMs = at - flight.lastActivity;
    if (silentMs <= stallTimeoutMs) return;
    abortEach(entries, 'stalled');
    onStall(silentMs);
    flight.lastActivity = at;
  };
}

function endLate(flight: Flight, at: number, timeoutMs: number): void {
  const { entries, sent } = flight;
  let laterInFlight = entries.size;
  for (const entry of entries) {
    laterInFlight--;
    const laterEnded = sent - 1 - entry.number - laterInFlight;
    // Number of later requests that have ended, after which a request no longer waits in a queue.
    if (laterEnded > entries.size) entry.activeSince ??= at;
    if (at - countedFrom(flight, entry) > timeoutMs) abortEach([entry], 'timeout');
  }
}

/**
 * Time from which an attempt's limit counts: where it may have waited for room, from the last answer, which made room.
 */
const countedFrom = ({ readyAt, answeredAt }: Flight, { activeSince, hasRoom, sentAt }: FlightEntry): number =>
  activeSince ?? Math.max(sentAt, readyAt, hasRoom ? -Infinity : answeredAt);

function beginAnew(flight: Flight, at: number): void {
  for (const entry of flight.entries) {
    const activeSince = entry.activeSince === null ? null : at;
    Object.assign(entry, { sentAt: at, activeSince, writingSince: null });
  }
  Object.assign(flight, { lastActivity: at, readyAt: at });
}
