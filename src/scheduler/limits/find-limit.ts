import type { Answer, Completion } from '../../core/completion.ts';
import type { ErrorKind } from '../../core/errors.ts';
import type { EngineLoad } from '../../core/measurements.ts';
import { createLoadFollower, type LoadFollower } from './follow-load.ts';
import { addAnswer, createSample, type LimitTrials, goOn, judge, startTrials, steps } from './limit-trials.ts';

/**
 * Finds how many requests a server can hold. Where the server tells what runs and what waits, that says it. Else it tries
 * more, and fewer, and keeps what gets the most done with the fewest in flight. It starts by doubling. Where the server
 * pushes back it falls, comes back in ever smaller steps, and goes by what it sees alone.
 */
export interface LimitFinder {
  /** Takes the answer of each attempt, once, with the number that were in flight with it. */
  onAnswer: (answer: Answer, latencyMs: number, inFlight: number) => void;
  /** Takes what the server says of its load, with the number in flight then; null: it does not say any more. */
  onLoad: (load: EngineLoad | null, inFlight: number) => void;
  /** The best limit found so far; a limit that is only being tried out does not count. */
  found: () => number;
}

export interface LimitSearch {
  start: number;
  /**
   * The largest limit. Where it equals the start, nothing is searched for: the limit only decreases, and comes back.
   */
  max: number;
  onChange: (limit: number) => void;
  /** A clock in milliseconds that never goes back. */
  now?: () => number;
}

/** Kinds of failure with which a server says, or shows, that it has too much to do. */
const pushbacks: ReadonlySet<ErrorKind> = new Set<ErrorKind>(['rate-limited', 'overloaded', 'connection']);

/**
 * Factors by which the limit decreases at a pushback, and at one that follows so soon that the last decrease was not
 * enough. Tuned on test/scheduler/simulated-servers.ts.
 */
const decreaseFactors = { first: 0.85, repeated: 0.5 };
/** After the limit was changed by what the server says, a few rounds pass without a trial, and the next ones are small. */
const rested = { step: steps.smallest, direction: 1, rest: 4 };
/**
 * Pushbacks that prove nothing: two in a row, and 3 % of the answers. Tuned on test/scheduler/simulated-servers.ts.
 */
const allowed = { max: 2, share: 0.03 };

/** The search, and what is known of the server's pushbacks. */
interface SearchState extends LimitTrials {
  decreasedAt: number;
  answersSinceDecrease: number;
  /** The limit that the server's load asks for, if any. */
  readonly follow: LoadFollower;
  /** The load decides, and nothing is tried out. */
  isLed: boolean;
}

/** One attempt that ended: the time of its end and its duration in milliseconds, and the number in flight with it. */
interface AttemptTimes {
  now: number;
  latencyMs: number;
  inFlight: number;
}

export function createLimitFinder(search: LimitSearch): LimitFinder {
  const { onChange, now = () => performance.now() } = search;
  const finder: SearchState = {
    ...startTrials(search, now()),
    decreasedAt: -Infinity,
    answersSinceDecrease: 0,
    follow: createLoadFollower(search.max),
    isLed: false,
  };
  const limit = (): number => (finder.trial ?? finder.current).limit;
  const change = (note: () => void): void => {
    const before = limit();
    note();
    if (limit() !== before) onChange(limit());
  };
  return {
    found: () => finder.current.limit,
    onAnswer(answer, latencyMs, inFlight) {
      const times = { now: now(), latencyMs, inFlight };
      change(() => {
        if (answer.status === 'completed') noteCompletion(finder, answer, times);
        else if (pushbacks.has(answer.kind)) notePushback(finder, times);
      });
    },
    onLoad(load, inFlight) {
      const isFollowed = load !== null && !finder.isFixed && finder.decreasedAt === -Infinity;
      const next = isFollowed ? finder.follow({ load, inFlight, limit: limit() }) : null;
      change(() => lead(finder, next, now()));
    },
  };
}

/** Takes the limit that the load asks for; null: the search goes on from where the load has led it, in small steps. */
function lead(finder: SearchState, next: number | null, now: number): void {
  const { limit } = finder.trial ?? finder.current;
  const wasLed = finder.isLed;
  finder.isLed = next !== null;
  if (finder.isLed !== wasLed || (next ?? limit) !== limit)
    Object.assign(finder, { ...rested, current: createSample(next ?? limit, now), trial: null });
}

function noteCompletion(finder: SearchState, { body }: Completion, { now, latencyMs, inFlight }: AttemptTimes): void {
  finder.allowedPushbacks = Math.min(allowed.max, finder.allowedPushbacks + allowed.share);
  finder.answersSinceDecrease++;
  if (finder.isLed) return;
  const sample = finder.trial ?? finder.current;
  const isOfSampleBefore = !sample.isSettled && now - latencyMs < sample.since;
  // Fewer in flight means that there were too few requests, which says nothing about the limit.
  if (isOfSampleBefore || inFlight < sample.limit) return;
  const isRoundOver = addAnswer(sample, latencyMs, body.usage?.completion_tokens ?? 0);
  if (!isRoundOver) return;
  if (finder.trial === null) goOn(finder, now);
  else judge(finder, finder.trial, now);
}

function notePushback(finder: SearchState, { now, latencyMs }: AttemptTimes): void {
  // It belongs to the burst that has made the limit decrease already.
  if (now - latencyMs <= finder.decreasedAt) return;
  if (finder.allowedPushbacks >= 1) {
    finder.allowedPushbacks--;
    return;
  }
  const { current, trial } = finder;
  const decreased = { ...rested, trial: null, decreasedAt: now };
  if (trial !== null && trial.limit > current.limit) {
    Object.assign(finder, { ...decreased, current: createSample(current.limit, now), ceiling: trial.limit });
    return;
  }
  const factor = finder.answersSinceDecrease < current.limit ? decreaseFactors.repeated : decreaseFactors.first;
  const limit = Math.max(1, Math.floor(current.limit * factor));
  Object.assign(finder, {
    ...decreased,
    current: createSample(limit, now),
    ceiling: current.limit,
    answersSinceDecrease: 0,
  });
}
