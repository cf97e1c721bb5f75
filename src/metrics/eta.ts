import type { ResultSample, RunEvent } from '../core/events.ts';
import type { FlightSample } from '../core/measurements.ts';
import type { RunProgress, RunTimes } from '../core/snapshot.ts';
import { type LengthDrift, createLengthDrift } from './eta-drift.ts';
import { type Lengths, createLengths } from './eta-lengths.ts';
import { createLineLengths } from './eta-lines.ts';
import { playRest } from './eta-play.ts';
import { type Speed, createSpeed } from './eta-speed.ts';

/** No ETA is shown before so many answers have ended, and before half of those that began together have: the first wave. */
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
  /** Length of the answers that ended, all together. */
  ended: number;
  /** How far each answer in flight is. */
  inFlight: readonly number[];
}

const createMeasure = (): Measure => ({
  lengths: createLengths(),
  drift: createLengthDrift(),
  speed: createSpeed(),
  ended: 0,
  inFlight: [],
});

const createState = () => ({
  /** Answers in their tokens, and in the milliseconds since they were sent: for engines that tell no tokens before the end. */
  tokens: createMeasure(),
  times: createMeasure(),
  told: 0,
  /** Prompt tokens that were computed, as the engine told. */
  prompt: 0,
  prompts: createLineLengths(),
  ended: 0,
  retries: 0,
  flightAtMs: 0,
  startsMs: [] as number[],
});

export function createEta(): Eta {
  let state = createState();
  let known = { atMs: 0, eta: null as RunTimes['eta'] };

  const endAttempt = ({ tokens, latencyMs }: Extract<RunEvent, { type: 'request-end' }>, atMs: number): void => {
    state.ended++;
    addLength(state.tokens, tokens.completionTokens ?? 0, atMs - latencyMs);
    addLength(state.times, latencyMs, atMs - latencyMs);
  };
  const addPrompt = ({ inputBytes, promptTokens, cachedTokens, attempts }: ResultSample): void => {
    if (inputBytes !== undefined && attempts > 0)
      state.prompts.add(inputBytes, promptTokens === null ? null : promptTokens - (cachedTokens ?? 0));
  };
  const takeFlight = ({ generated, promptComputed, each }: FlightSample, atMs: number): void => {
    state.told += generated;
    state.flightAtMs = atMs;
    state.startsMs = each.agesMs.map((ageMs) => atMs - ageMs);
    state.prompt += promptComputed;
    addFlight(state.tokens, each.tokens, state.prompt, atMs);
    addFlight(state.times, each.agesMs, 0, atMs);
  };

  return {
    add(event, atMs) {
      // Another model is another engine.
      if (event.type === 'model-start') {
        state = createState();
        if (event.restBytes !== undefined) state.prompts.start(event.restBytes);
      } else if (event.type === 'result-end') addPrompt(event.sample);
      else if (event.type === 'request-end') endAttempt(event, atMs);
      else if (event.type === 'request-retry') state.retries++;
      else if (event.type === 'flight') takeFlight(event.flight, atMs);
    },
    read({ total, done }) {
      if (total === null) return null;
      if (done >= total) return { seconds: 0, low: 0, high: 0 };
      const { flightAtMs } = state;
      if (known.eta === null || flightAtMs - known.atMs >= everyMs || flightAtMs < known.atMs) {
        known = { atMs: flightAtMs, eta: estimate(state, total - done) };
      }
      return known.eta;
    },
  };
}

function addLength(measure: Measure, length: number, startedMs: number): void {
  measure.lengths.add(length);
  measure.drift.add(length, startedMs);
  measure.ended += length;
}

function addFlight(measure: Measure, lengths: readonly number[], prompt: number, atMs: number): void {
  measure.inFlight = lengths;
  const inFlight = lengths.reduce((sum, length) => sum + length, 0);
  const writing = lengths.filter((length) => length > 0).length;
  measure.speed.add(atMs, { length: measure.ended + inFlight, prompt, writing });
}

function estimate(state: ReturnType<typeof createState>, left: number): RunTimes['eta'] {
  const { told, ended, retries, startsMs } = state;
  if (ended < minEnded) return null;
  const isTold = told > 0 && told >= 0.5 * state.tokens.ended;
  const { lengths, drift, speed, inFlight } = isTold ? state.tokens : state.times;
  const meanMs = state.times.ended / ended;
  const curve = lengths.read(inFlight);
  const written = inFlight.filter((length) => length > 0);
  // A request that is tried again takes the time of two.
  const attempts = ended / Math.max(1, ended - retries);
  const waiting = Math.round(Math.max(0, left - written.length) * attempts);
  const reading = speed.read(Math.min(60_000, Math.max(30_000, meanMs)), waiting === 0);
  if (curve === null || curve.beyond > firstWave || reading === null) return null;
  const begun = inFlight.map((length, index) => ({ length, hasEnded: false, startMs: startsMs[index]! }));
  // Those that have just been sent write nothing yet: a wave is all that is in flight, unless the engine has fewer slots.
  const width = reading.width > 0.9 * inFlight.length ? inFlight.length : Math.max(1, Math.round(reading.width));
  const fitting = drift.fit(curve, begun);
  return playRest({
    waiting,
    written,
    width,
    fitting,
    prompt: ((speed.promptCost() * state.prompt) / (ended + written.length)) * state.prompts.factor(left),
    speed: reading.speed / width,
    speedError: reading.error,
    limit: Infinity,
  });
}
