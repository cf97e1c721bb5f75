import type { ResultSample, RunEvent } from '../core/events.ts';
import type { FlightSample } from '../core/measurements.ts';
import type { RunProgress, RunTimes } from '../core/snapshot.ts';
import { type LengthDrift, createLengthDrift } from './eta-drift.ts';
import { type Lengths, createLengths } from './eta-lengths.ts';
import { createLineLengths } from './eta-lines.ts';
import { type ModelPlace, fullPaceOf, placeAfter, shareOf } from './eta-pace.ts';
import { type Pace, playRest } from './eta-play.ts';
import { type Speed, type SpeedReading, createSpeed } from './eta-speed.ts';

/** No ETA is shown before so many answers have ended, and while the length of more than half of those begun together is unknown. */
const minEnded = 5;
const firstWave = 0.5;

/** An estimate costs a few milliseconds, and holds for this time. */
const everyMs = 1000;

/** Estimates when a run ends. */
export interface Eta {
  /** Takes an event of the run. Times are milliseconds of the caller's clock here and below. */
  add(event: RunEvent, atMs: number): void;
  /** The estimate as of the last event; null before there is enough for one. */
  read(progress: Pick<RunProgress, 'total' | 'done'>): RunTimes['eta'];
}

/** One way to measure how far an answer is. */
interface Measure {
  lengths: Lengths;
  drift: LengthDrift;
  speed: Speed;
  /** Length of the answers that ended, all together, and of the longest. */
  ended: number;
  maxLength: number;
  /** How far each answer in flight is. */
  inFlight: readonly number[];
}

const createMeasure = (): Measure => ({
  lengths: createLengths(),
  drift: createLengthDrift(),
  speed: createSpeed(),
  ended: 0,
  maxLength: 0,
  inFlight: [],
});

const createState = () => ({
  /** Answers in their tokens, and in the milliseconds since they were sent: for engines that tell no tokens before the end. */
  tokens: createMeasure(),
  times: createMeasure(),
  told: 0,
  /** Prompt tokens that were computed, as the engine told. */
  prompt: 0,
  lines: createLineLengths(),
  ended: 0,
  retries: 0,
  flightAtMs: 0,
  startsMs: [] as number[],
  /** Tokens that each answer in flight may have, and the most that any so far might; Infinity where nothing limits them. */
  limits: [] as number[],
  maxLimit: 0,
  /** Bytes of the line of each request in flight. */
  bytes: [] as number[],
  /** How fast answers grew while requests still waited. */
  full: null as Pace | null,
});

type EtaState = ReturnType<typeof createState>;

export function createEta(): Eta {
  let state = createState();
  let place: ModelPlace = null;
  let known = { atMs: 0, eta: null as RunTimes['eta'] };

  const endAttempt = ({ tokens, latencyMs }: Extract<RunEvent, { type: 'request-end' }>, atMs: number): void => {
    state.ended++;
    addLength(state.tokens, tokens.completionTokens ?? 0, atMs - latencyMs);
    addLength(state.times, latencyMs, atMs - latencyMs);
  };
  const addLine = ({ inputBytes, promptTokens, cachedTokens, completionTokens, attempts }: ResultSample): void => {
    if (inputBytes === undefined || attempts === 0) return;
    state.lines.add(inputBytes, promptTokens === null ? null : promptTokens - (cachedTokens ?? 0), completionTokens);
  };
  const takeFlight = ({ generated, promptComputed, each }: FlightSample, atMs: number): void => {
    state.told += generated;
    state.flightAtMs = atMs;
    state.startsMs = each.agesMs.map((ageMs) => atMs - ageMs);
    state.limits = each.limits.map((limit) => limit ?? Infinity);
    state.maxLimit = Math.max(state.maxLimit, ...state.limits);
    state.bytes = each.bytes;
    state.prompt += promptComputed;
    addFlight(state.tokens, each.tokens, state.prompt, atMs);
    addFlight(state.times, each.agesMs, 0, atMs);
  };

  return {
    add(event, atMs) {
      place = placeAfter(event, place);
      // Another model is another engine.
      if (event.type === 'model-start') {
        state = createState();
        if (event.restBytes !== undefined) state.lines.start(event.restBytes);
      } else if (event.type === 'result-end') addLine(event.sample);
      else if (event.type === 'request-end') endAttempt(event, atMs);
      else if (event.type === 'request-retry') state.retries++;
      else if (event.type === 'flight') takeFlight(event.flight, atMs);
    },
    read({ total, done }) {
      if (total === null) return null;
      if (done >= total) return { seconds: 0, low: 0, high: 0 };
      const { flightAtMs } = state;
      if (known.eta === null || flightAtMs - known.atMs >= everyMs || flightAtMs < known.atMs) {
        known = { atMs: flightAtMs, eta: finite(estimate(state, total - done, place)) };
      }
      return known.eta;
    },
  };
}

/** Of a run that is changed from outside (thousands of workers more, at its end) nothing may be known for a moment. */
const finite = (eta: RunTimes['eta']): RunTimes['eta'] =>
  eta === null || ![eta.seconds, eta.low, eta.high].every(Number.isFinite) ? null : eta;

function addLength(measure: Measure, length: number, startedMs: number): void {
  measure.lengths.add(length);
  measure.drift.add(length, startedMs);
  measure.ended += length;
  measure.maxLength = Math.max(measure.maxLength, length);
}

function addFlight(measure: Measure, lengths: readonly number[], prompt: number, atMs: number): void {
  measure.inFlight = lengths;
  const inFlight = lengths.reduce((sum, length) => sum + length, 0);
  const writing = lengths.filter((length) => length > 0).length;
  measure.speed.add(atMs, { length: measure.ended + inFlight, prompt, writing });
}

/** How long answers may get. An engine that gave one more than any was allowed counts otherwise than the user. */
function limitsOf(state: EtaState): { all: number; each: readonly number[] } {
  const { tokens, limits, maxLimit } = state;
  const isHeld = isTold(state) && tokens.maxLength <= maxLimit;
  return isHeld ? { all: maxLimit, each: limits } : { all: Infinity, each: limits.map(() => Infinity) };
}

/** Tokens tell more than times, where the engine tells of them before an answer ends. */
const isTold = ({ told, tokens }: EtaState): boolean => told > 0 && told >= 0.5 * tokens.ended;

function estimate(state: EtaState, left: number, place: ModelPlace): RunTimes['eta'] {
  const { ended, retries, startsMs, lines } = state;
  if (ended < minEnded) return null;
  const { lengths, drift, speed, inFlight } = isTold(state) ? state.tokens : state.times;
  const limits = limitsOf(state);
  const curve = lengths.read(inFlight, limits.all);
  const written = inFlight
    .map((length, index) => ({ length, limit: limits.each[index]! }))
    .filter(({ length }) => length > 0);
  // A request that is tried again takes the time of two.
  const attempts = ended / Math.max(1, ended - retries);
  const waiting = Math.round(Math.max(0, left - written.length) * attempts);
  const isTail = waiting === 0;
  const reading = speed.read(Math.min(60_000, Math.max(30_000, state.times.ended / ended)), isTail);
  if (curve === null || curve.unknown > firstWave || reading === null) return null;
  const paces = pacesOf(state, reading, isTail);
  const begun = inFlight.map((length, index) => ({ length, hasEnded: false, startMs: startsMs[index]! }));
  const fitting = drift.fit(curve, begun);
  return playRest({
    waiting,
    written,
    width: paces.full.width,
    fitting,
    more: fitting.curve === curve ? lines.answers(left, state.bytes) : 1,
    prompt: ((speed.promptCost() * state.prompt) / (ended + written.length)) * lines.prompts(left),
    current: paces.now,
    currentError: reading.error,
    usual: isTail ? null : { ...reading.usual, speed: reading.usual.speed / paces.full.width },
    share: shareOf(place, speed.promptCost(), { ...paces, error: reading.error }),
  });
}

/** How fast answers grow now, and how fast they did while requests waited, which is the same until none does. */
function pacesOf(state: EtaState, reading: SpeedReading, isTail: boolean): { full: Pace; now: Pace } {
  const full = (isTail ? state.full : null) ?? fullPaceOf(reading, state.startsMs.length);
  state.full = full;
  // An answer without tokens gets older by a second in each second, however fast it grows.
  const isKnown = isTail && isTold(state);
  return { full, now: isKnown ? { speed: reading.speed / reading.width, width: reading.width } : full };
}
