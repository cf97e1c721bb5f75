import type { Backend } from '../../core/backend.ts';
import type { Failure } from '../../core/completion.ts';
import type { Notify } from '../../core/events.ts';
import { formatDuration } from '../../text/format.ts';
import type { InFlight } from '../in-flight.ts';
import type { Outages } from '../outages.ts';

/**
 * Asks a silent engine how it is. A server that is stopped may keep the connections of requests that it will never answer,
 * and one that was started anew knows nothing of them: no connection breaks, and without a question nobody would notice
 * before `--stall-timeout`. A server that works on a long prompt is as silent: only what the server says ends anything.
 */
export interface SilenceWatch {
  onAnswer: (latencyMs: number) => void;
  close: () => void;
}

export interface Watched {
  backend: Backend;
  inFlight: Pick<InFlight, 'silentMs' | 'count'>;
  outages: Outages;
  /** Where it has several engines, the others take what is left when this one is away. */
  team: { hasSeveral: boolean };
  notify: Notify;
  /** After so much silence what is in flight is given up, which is told there. */
  stallTimeoutMs: number;
  /** Ends the run: the engine is away, and waiting for it is hopeless. */
  fail: (error: Error) => void;
}

const tickMs = 250;
/** The first question comes after this much silence, or several times the usual one of an answer; the later ones ever later. */
const firstLookMs = 3000;
const usualAnswers = 3;
const maxWaitMs = 30_000;
/** Two looks at the silence are hardly ever further apart. */
const maxGapMs = 1000;
/** A server that has just answered, or is about to begin, is idle for a moment. */
const idleLooks = 2;
const idleAgainMs = 1500;
/** Weight of the last answer in the usual latency. */
const weight = 0.2;

export function watchSilence(watched: Watched): SilenceWatch {
  const closing = new AbortController();
  const state = { usualMs: 0, lookAtMs: firstLookMs, idle: 0, mayBeLost: true, isLooking: false };
  const firstMs = (): number => Math.min(maxWaitMs, Math.max(firstLookMs, usualAnswers * state.usualMs));

  /** Notes a loss once until the next answer: behind a proxy, the server that was asked may be another one. */
  const noteLoss = (): void => {
    if (state.mayBeLost) watched.outages.noteLoss();
    state.mayBeLost = false;
  };
  const lookOnce = async (silentMs: number): Promise<void> => {
    const { backend, inFlight, outages, team } = watched;
    // A question that fails in a way of its own says nothing of the engine.
    const seen = await backend.supervision?.look?.(closing.signal).catch(() => undefined);
    // Something came meanwhile.
    if (closing.signal.aborted || seen === undefined || inFlight.silentMs() < silentMs) return;
    state.idle = seen === 'idle' ? state.idle + 1 : 0;
    state.lookAtMs = inFlight.silentMs() + (seen === 'idle' ? idleAgainMs : Math.min(maxWaitMs, silentMs));
    if (typeof seen !== 'string') await outages.settle(absenceOf(seen, team.hasSeveral), outages.ended());
    else if (state.idle >= idleLooks) noteLoss();
  };
  const canLook = watched.backend.supervision?.look !== undefined;
  const tell = tellSilence(watched);
  const tick = (): void => {
    const { backend, inFlight, outages, fail } = watched;
    const silentMs = inFlight.silentMs();
    if (silentMs < firstMs()) Object.assign(state, { lookAtMs: firstMs(), idle: 0 });
    const isKnown = outages.isOn() || backend.supervision?.isStarting?.() === true;
    tell(isKnown ? null : silentMs);
    if (!canLook || silentMs < state.lookAtMs || state.isLooking || isKnown) return;
    state.isLooking = true;
    const end = (): void => void (state.isLooking = false);
    const onHopeless = (error: Error): void => {
      if (!closing.signal.aborted) fail(error);
    };
    void lookOnce(silentMs).catch(onHopeless).finally(end);
  };
  const timer = setInterval(tick, tickMs);

  return {
    onAnswer(latencyMs) {
      state.usualMs += (latencyMs - state.usualMs) * weight;
      state.mayBeLost = true;
    },
    close() {
      clearInterval(timer);
      closing.abort();
    },
  };
}

/** The first silence that is told. A later one is told where it lasts twice as long as one that came to a good end: engines read long prompts in silence. */
const firstToldMs = 30_000;

/** Returns what takes each look at the silence, null where the engine is known to be away, and tells of a long one, once, and of its end. */
function tellSilence({ inFlight, notify, stallTimeoutMs }: Watched): (silentMs: number | null) => void {
  const state = { tellAtMs: firstToldMs, toldMs: 0 };
  return (silentMs) => {
    const { toldMs, tellAtMs } = state;
    if (silentMs !== null && silentMs >= Math.max(toldMs, tellAtMs)) {
      state.toldMs = silentMs;
      const what = `nothing has come from the engine for ${formatDuration(silentMs)}`;
      const may = `it may be at work on a long prompt, or hang; after ${formatDuration(stallTimeoutMs)} it counts as hung (--stall-timeout)`;
      if (toldMs === 0) notify({ topic: 'stall', text: `${what}: ${may}` });
      return;
    }
    if (toldMs === 0) return;
    state.toldMs = 0;
    // The engine is away, nothing is in flight any more, or it was given up.
    if (silentMs === null || inFlight.count() === 0 || toldMs + maxGapMs >= stallTimeoutMs) return;
    state.tellAtMs = 2 * toldMs;
    notify({ topic: 'stall', text: `the engine sends again, after ${formatDuration(toldMs)}` });
  };
}

/**
 * A server that takes the connection and says nothing may be at work on a long prompt. Where others can have the requests, it is
 * counted as away until it says something: what it has in flight it keeps.
 */
const absenceOf = (seen: Failure, isOneOfSeveral: boolean): Failure =>
  isOneOfSeveral && seen.kind === 'timeout' ? { ...seen, kind: 'connection' } : seen;
