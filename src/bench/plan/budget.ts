import { average } from '../statistics/mean.ts';
import type { TrialRecord, TrialSpec } from '../records/records.ts';
import type { TimeLimits } from '../trial/timed-run.ts';

/** Requests after which a trial may be stopped to leave time for others; fewer are never steady. */
const enoughRequests = 200;

interface TimeLeft {
  /** Trials that have not ended, this one among them, in the order of execution. */
  left: readonly TrialSpec[];
  done: readonly TrialRecord[];
  /** Seconds of the budget that are left; null: there is no budget. */
  secondsLeft: number | null;
}

/**
 * How long a trial may take. Each has an equal part of the time left, and more where it needs that to get 200 answers; but
 * never so much that another point would get no first trial. Null: as long as it takes. 'none': there is no time for it.
 */
export function limitsOf(spec: TrialSpec, { left, done, secondsLeft }: TimeLeft): TimeLimits | 'none' | null {
  if (secondsLeft === null) return null;
  const before = secondsOfPoint(spec, done);
  if (secondsLeft <= 0 || (before !== null && before > secondsLeft)) return 'none';
  const leftMs = secondsLeft * 1000;
  const round = left.filter(({ repeat }) => repeat === spec.repeat);
  return { maxMs: leftMs / round.length, enough: { ms: leftMs / left.length, requests: enoughRequests } };
}

/** Seconds that the trials left will take by those that ended, within the budget; null before any ended. */
export function estimateSeconds({ left, done, secondsLeft }: TimeLeft): number | null {
  const finished = done.filter(({ state }) => state === 'finished');
  if (finished.length === 0) return null;
  const ofRequest = average(finished.map(({ seconds, spec }) => seconds / spec.size));
  const seconds = left.reduce((sum, spec) => sum + (secondsOfPoint(spec, done) ?? ofRequest * spec.size), 0);
  return secondsLeft === null ? seconds : Math.min(seconds, Math.max(0, secondsLeft));
}

/** Mean of the earlier trials of the same point; null where there are none. */
function secondsOfPoint(spec: TrialSpec, done: readonly TrialRecord[]): number | null {
  const same = done.filter((record) => record.state === 'finished' && pointKey(record.spec) === pointKey(spec));
  return same.length === 0 ? null : average(same.map(({ seconds }) => seconds));
}

const pointKey = ({ number: _number, repeat: _repeat, batch: _batch, ...point }: TrialSpec): string =>
  JSON.stringify(point);
