/** The search for the best limit: one is kept, and now and then another one is tried out against it. */
export interface LimitTrials {
  readonly max: number;
  readonly isFixed: boolean;
  current: LimitSample;
  trial: LimitSample | null;
  /** Rounds of the trial at which it is judged next. */
  nextJudgement: number;
  direction: 1 | -1;
  step: number;
  /** Smallest limit that was too much for the server; Infinity while none is known. */
  ceiling: number;
  /** Rounds until the next trial. */
  rest: number;
  nextRest: number;
  /** Number of pushbacks that may still come before they prove anything. */
  allowedPushbacks: number;
}

/**
 * Factors by which the limit is changed. These and the numbers below are tuned on test/scheduler/simulated-servers.ts.
 */
export const steps = { largest: 2, smallest: 1.3, growth: 1.5 };
/** The best value of throughput / inFlight^0.1 is wanted: twice as many in flight must get 7 % more done. */
const price = 0.1;
/** Rounds before the next trial, doubled with each trial in vain. */
const rests = { first: 16, max: 128 };
const hastyRest = 4;
const trials = { hastyRounds: 2, minRounds: 4, maxRounds: 8, maxAnswers: 512 };
/** Smallest gain that counts in a first round, as a share of the step: newcomers find no queue yet, and seem fast. */
const plainGain = 0.65;

export const startTrials = ({ start, max }: { start: number; max: number }, now: number): LimitTrials => ({
  max,
  isFixed: start >= max,
  current: createSample(start, now),
  trial: null,
  nextJudgement: 0,
  direction: 1,
  step: steps.largest,
  ceiling: Infinity,
  rest: 0,
  nextRest: rests.first,
  allowedPushbacks: 1,
});

/** A round at the limit that is kept is over. */
export function goOn(search: LimitTrials, now: number): void {
  if (search.rest === 0) return tryNext(search, now);
  if (!search.current.isSettled) discardWarmup(search.current);
  search.rest--;
}

function tryNext(search: LimitTrials, now: number): void {
  const limit = search.direction > 0 ? higher(search) : lower(search);
  if (limit !== search.current.limit) {
    Object.assign(search, { trial: createSample(limit, now), nextJudgement: trials.minRounds, allowedPushbacks: 1 });
  } else if (search.ceiling < Infinity) {
    // It may not be there any longer.
    search.ceiling = Infinity;
    restLonger(search);
  } else turn(search);
}

/** Half of the way at most to what was too much. */
function higher({ current: { limit }, step, ceiling, max }: LimitTrials): number {
  const wanted = Math.max(limit + 1, Math.round(limit * step));
  return Math.min(wanted, Math.floor((limit + ceiling) / 2), max);
}

const lower = ({ current: { limit }, step, isFixed }: LimitTrials): number =>
  isFixed ? limit : Math.max(1, Math.min(limit - 1, Math.round(limit / step)));

function turn(search: LimitTrials): void {
  search.direction = search.direction > 0 ? -1 : 1;
  restLonger(search);
}

function restLonger(search: LimitTrials): void {
  search.step = steps.smallest;
  search.rest = search.nextRest;
  search.nextRest = Math.min(rests.max, search.nextRest * 2);
}

/** A round of the trial is over. */
export function judge(search: LimitTrials, trial: LimitSample, now: number): void {
  const verdict = trial.isSettled ? verdictOf(search, trial) : firstVerdict(search, trial);
  if (verdict === 'better') win(search, trial, now);
  else if (verdict === 'worse') lose(search, now);
  else if (!trial.isSettled) discardWarmup(trial);
}

type TrialVerdict = 'better' | 'worse' | 'open';

function firstVerdict({ current, isFixed }: LimitTrials, trial: LimitSample): TrialVerdict {
  if (isFixed) return 'better';
  const stretch = Math.log(trial.limit / current.limit);
  if (compare(current, trial).gain / stretch < plainGain) return 'open';
  return stretch > 0 ? 'better' : 'worse';
}

function verdictOf(search: LimitTrials, trial: LimitSample): TrialVerdict {
  const { current } = search;
  const isHasty = !current.isSettled;
  if (trial.rounds < (isHasty ? trials.hastyRounds : search.nextJudgement)) return 'open';
  search.nextJudgement *= 2;
  const stretch = Math.log(trial.limit / current.limit);
  const { gain, error } = compare(current, trial);
  const better = gain - price * stretch;
  if (isHasty) return signOf(better - price);
  // Factor for the standard error, which is hardly known with few rounds.
  const isSure = Math.abs(better) > error * (2 + 4 / trial.rounds);
  const isLast = trial.rounds >= trials.maxRounds && trial.rounds * trial.limit >= trials.maxAnswers;
  if (!isSure && !isLast) return 'open';
  // Chooses between two limits, in doubt the lower one.
  return signOf(stretch > 0 && !isSure ? better - error : better);
}

const signOf = (better: number): TrialVerdict => (better > 0 ? 'better' : 'worse');

function win(search: LimitTrials, trial: LimitSample, now: number): void {
  const step = Math.min(steps.largest, search.step ** steps.growth);
  Object.assign(search, { current: trial, trial: null, step, nextRest: rests.first });
  tryNext(search, now);
}

function lose(search: LimitTrials, now: number): void {
  const { isSettled, limit } = search.current;
  Object.assign(search, { current: createSample(limit, now), trial: null });
  if (isSettled) turn(search);
  // It was left in haste: it is measured before anything is compared with it again.
  else search.rest = hastyRest;
}

/** Measurements under one limit, round by round: a round has as many answers as the limit allows in flight. */
export interface LimitSample {
  readonly limit: number;
  /** Time at which the limit was set, in milliseconds of the clock. */
  readonly since: number;
  /** Says whether the warm-up is over: in the first round a queue still grows or shrinks. */
  isSettled: boolean;
  /** Answers of the round under way. */
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

export const createSample = (limit: number, since: number): LimitSample => ({
  limit,
  since,
  isSettled: false,
  ...unmeasured,
});

/** Drops what the first round measured, in which a queue still grew or shrank. */
const discardWarmup = (sample: LimitSample): void => void Object.assign(sample, unmeasured, { isSettled: true });

/** An answer costs as much as so many tokens, however short it is: short ones are counted, long ones weighed. */
const fixedWork = 16;
const minAnswers = 8;
/** The first round ends after this share of its answers, so that stragglers do not delay it. */
const firstRound = 0.75;
/** A round never counts for less than one of so many: what was measured long ago is forgotten. */
const maxRounds = 64;

/** Adds an answer to the sample; true when it ends a round. */
export function addAnswer(sample: LimitSample, latencyMs: number, tokens: number): boolean {
  sample.answers++;
  sample.latencyMs += latencyMs;
  sample.work += tokens + fixedWork;
  const wanted = sample.isSettled ? sample.limit : sample.limit * firstRound;
  if (sample.answers < Math.max(wanted, minAnswers)) return false;
  addRound(sample, sample.latencyMs / sample.work);
  return true;
}

function addRound(sample: LimitSample, latencyPerWork: number): void {
  if (sample.rounds === maxRounds) {
    sample.rounds /= 2;
    sample.deviations /= 2;
  }
  const deviation = latencyPerWork - sample.mean;
  sample.rounds++;
  sample.mean += deviation / sample.rounds;
  sample.deviations += deviation * (latencyPerWork - sample.mean);
  Object.assign(sample, roundStart);
}

/** Natural logarithm of how much more gets done in the second sample, and one standard deviation of it. */
function compare(one: LimitSample, other: LimitSample): { gain: number; error: number } {
  const gain = logThroughput(other) - logThroughput(one);
  return { gain, error: Math.sqrt(relativeVariance(one) + relativeVariance(other) + smallestError ** 2) };
}
const smallestError = 0.01;
/** Relative variance that is assumed of a single round, of whose spread nothing is known. */
const unknownVariance = 0.02;

/**
 * Logarithm of the throughput by Little's law: a count over a short time would depend on where in a batch it begins.
 */
const logThroughput = ({ limit, mean }: LimitSample): number => Math.log(limit) - Math.log(Math.max(mean, 1e-9));

/** Variance of the mean relative to its square, taken between rounds: the answers of one queue are late together. */
const relativeVariance = ({ rounds, mean, deviations }: LimitSample): number =>
  rounds < 2 ? unknownVariance : deviations / (rounds - 1) / rounds / Math.max(mean * mean, 1e-18);
