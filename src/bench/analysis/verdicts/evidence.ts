import type { BackendDefinition } from '../../../core/backend.ts';
import type { Trial, Verdict } from '../analysis.ts';
import type { Window } from '../../records/records.ts';
import { rateOf } from '../../statistics/mean.ts';

/** What a verdict is found in: a trial, and those that differ from it in their workers alone. */
export interface Evidence extends Trial {
  peers: Trial[];
  /** The engines that there are. */
  backends: readonly BackendDefinition[];
}

/** The verdict with its evidence; null where the numbers don't carry it. */
export type FindVerdict = (evidence: Evidence) => Verdict | null;

/** Windows of the steady part, else of the whole trial. */
export const usualWindows = ({ windows, steady: { isSteady, from, to } }: Trial): Window[] =>
  isSteady ? windows.slice(from, to) : windows;

/** Requests answered per second of the steady part, else of the whole trial. */
export const usualRate = ({ record, steady }: Trial): number => steady.rate ?? rateOf(record) ?? 0;

type TimeName = 'latencyMs' | 'queueMs' | 'ttftMs';

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
