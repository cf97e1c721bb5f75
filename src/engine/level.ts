/** What was measured with so many requests in flight, round by round: a round has as many answers. */
export interface Level {
  readonly limit: number;
  /** When the limit was set, ms. */
  readonly since: number;
  /** False in the first round, in which a queue still grows or shrinks. */
  isSettled: boolean;
  /** The round under way. */
  answers: number;
  latencyMs: number;
  work: number;
  /** Mean of the rounds' latencies per work, and the sum of their squared deviations from it. */
  rounds: number;
  mean: number;
  deviations: number;
}

const roundStart = { answers: 0, latencyMs: 0, work: 0 };
const unmeasured = { ...roundStart, rounds: 0, mean: 0, deviations: 0 };

export const createLevel = (limit: number, since: number): Level => ({ limit, since, isSettled: false, ...unmeasured });

export const settle = (level: Level): void => void Object.assign(level, unmeasured, { isSettled: true });

/** An answer costs as much as so many tokens, however short it is: short ones are counted, long ones weighed. */
const fixedWork = 16;
const fewestAnswers = 8;
/** A first round does not wait for its slowest answers. */
const firstRound = 0.75;
/** A level that is kept for long forgets: a round counts for no less than one of so many. */
const mostRounds = 64;

/** True when the answer ends a round. */
export function addAnswer(level: Level, latencyMs: number, tokens: number): boolean {
  level.answers++;
  level.latencyMs += latencyMs;
  level.work += tokens + fixedWork;
  const wanted = level.isSettled ? level.limit : level.limit * firstRound;
  if (level.answers < Math.max(wanted, fewestAnswers)) return false;
  addRound(level, level.latencyMs / level.work);
  return true;
}

function addRound(level: Level, latencyPerWork: number): void {
  if (level.rounds === mostRounds) {
    level.rounds /= 2;
    level.deviations /= 2;
  }
  const deviation = latencyPerWork - level.mean;
  level.rounds++;
  level.mean += deviation / level.rounds;
  level.deviations += deviation * (latencyPerWork - level.mean);
  Object.assign(level, roundStart);
}

/** ln of how much more gets done at the second level, and how far that may be wrong (one standard deviation). */
export function compare(one: Level, other: Level): { gain: number; error: number } {
  const gain = logThroughput(other) - logThroughput(one);
  return { gain, error: Math.sqrt(relativeVariance(one) + relativeVariance(other) + smallestError ** 2) };
}
const smallestError = 0.01;
/** What a single round may be wrong by, squared: nothing is known of it. */
const unknownVariance = 0.02;

/** By Little's law: answers counted over a short time would depend on where in a batch it begins. */
const logThroughput = ({ limit, mean }: Level): number => Math.log(limit) - Math.log(Math.max(mean, 1e-9));

/** Between rounds, not between answers: those of one queue are late together. */
const relativeVariance = ({ rounds, mean, deviations }: Level): number =>
  rounds < 2 ? unknownVariance : deviations / (rounds - 1) / rounds / Math.max(mean * mean, 1e-18);
