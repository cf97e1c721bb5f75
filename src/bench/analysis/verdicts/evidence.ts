import type { Verdict } from '../analysis.ts';
import type { TrialRecord, Window } from '../../records/records.ts';
import type { Steady } from '../../statistics/steady.ts';

export interface Trial {
  record: TrialRecord;
  steady: Steady;
}

/** What a verdict is found in: a trial, and those that differ from it in their workers alone. */
export interface Evidence extends Trial {
  peers: Trial[];
}

/** Null where the numbers don't carry the verdict. */
export type FindVerdict = (evidence: Evidence) => Verdict | null;

/** The steady part, else all of the trial. */
export const usualWindows = ({ record: { windows }, steady: { isSteady, from, to } }: Trial): Window[] =>
  isSteady ? windows.slice(from, to) : windows;

/** Requests answered per second of the steady part, else of all of it. */
export const usualRate = ({ record, steady }: Trial): number =>
  steady.rate ?? (record.seconds > 0 ? record.succeeded / record.seconds : 0);

type TimeName = 'latency_ms' | 'queue_ms' | 'ttft_ms';

/** Mean over the requests answered; null where it was not measured. */
export function meanTime(windows: readonly Window[], name: TimeName): number | null {
  let [sum, count] = [0, 0];
  for (const window of windows) {
    const value = window[name];
    if (value === null) continue;
    sum += value * (window.requests - window.failures);
    count += window.requests - window.failures;
  }
  return count === 0 ? null : sum / count;
}
