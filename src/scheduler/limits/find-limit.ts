import type { Answer, Completion } from '../../core/completion.ts';
import type { ErrorKind } from '../../core/errors.ts';
import { addAnswer, createLevel, type LimitTrials, goOn, judge, startTrials, steps } from './limit-trials.ts';

/**
 * Finds how many requests a server can hold: tries more, and fewer, and keeps what gets the most done with the fewest in
 * flight. It starts by doubling. Where the server pushes back it falls, and comes back in ever smaller steps.
 */
export interface LimitFinder {
  /** Once for each attempt, with how many were in flight with it. */
  onAnswer: (answer: Answer, latencyMs: number, inFlight: number) => void;
  /** What was found so far: not a limit that is being tried out. */
  found: () => number;
}

export interface LimitSearch {
  start: number;
  /** Where it is the start, nothing is searched for: the limit only falls, and comes back. */
  max: number;
  onChange: (limit: number) => void;
  /** Milliseconds that never go back. */
  now?: () => number;
}

/** What a server says, or does, that has too much to do. */
const pushbacks: ReadonlySet<ErrorKind> = new Set<ErrorKind>(['rate-limited', 'overloaded', 'connection']);

/** A fall, and one that follows so soon that the last was not enough. */
const falls = { once: 0.85, again: 0.5 };
const restRounds = 4;
/** Failures that prove nothing: two in a row, and 3 % of the answers. */
const tolerated = { max: 2, share: 0.03 };

interface Finder extends LimitTrials {
  fellAt: number;
  answersSinceFall: number;
}

interface Seen {
  now: number;
  latencyMs: number;
  inFlight: number;
}

export function createLimitFinder(search: LimitSearch): LimitFinder {
  const { onChange, now = () => performance.now() } = search;
  const finder: Finder = { ...startTrials(search, now()), fellAt: -Infinity, answersSinceFall: 0 };
  return {
    found: () => finder.current.limit,
    onAnswer(answer, latencyMs, inFlight) {
      const { limit } = finder.trial ?? finder.current;
      const seen = { now: now(), latencyMs, inFlight };
      if (answer.status === 'completed') noteCompletion(finder, answer, seen);
      else if (pushbacks.has(answer.kind)) notePushback(finder, seen);
      const next = (finder.trial ?? finder.current).limit;
      if (next !== limit) onChange(next);
    },
  };
}

function noteCompletion(finder: Finder, { body }: Completion, { now, latencyMs, inFlight }: Seen): void {
  finder.tolerance = Math.min(tolerated.max, finder.tolerance + tolerated.share);
  finder.answersSinceFall++;
  const level = finder.trial ?? finder.current;
  const isOfLevelBefore = !level.isSettled && now - latencyMs < level.since;
  // With fewer in flight there were too few requests: that says nothing about the limit.
  if (isOfLevelBefore || inFlight < level.limit) return;
  const isRoundOver = addAnswer(level, latencyMs, body.usage?.completion_tokens ?? 0);
  if (!isRoundOver) return;
  if (finder.trial === null) goOn(finder, now);
  else judge(finder, finder.trial, now);
}

function notePushback(finder: Finder, { now, latencyMs }: Seen): void {
  // Of the burst that made the limit fall already.
  if (now - latencyMs <= finder.fellAt) return;
  if (finder.tolerance >= 1) {
    finder.tolerance--;
    return;
  }
  const { current, trial } = finder;
  const fallen = { step: steps.smallest, direction: 1, rest: restRounds, trial: null, fellAt: now };
  if (trial !== null && trial.limit > current.limit) {
    Object.assign(finder, { ...fallen, current: createLevel(current.limit, now), ceiling: trial.limit });
    return;
  }
  const factor = finder.answersSinceFall < current.limit ? falls.again : falls.once;
  const limit = Math.max(1, Math.floor(current.limit * factor));
  Object.assign(finder, { ...fallen, current: createLevel(limit, now), ceiling: current.limit, answersSinceFall: 0 });
}
