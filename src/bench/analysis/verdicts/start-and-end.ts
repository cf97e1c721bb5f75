import { meanOf } from '../../statistics/mean.ts';
import type { Window } from '../../records/records.ts';

export interface StartAndEnd {
  start: number;
  end: number;
}

/** Means of the first and the last third of the windows that have the number; null where fewer than six have it. */
export function startAndEnd(windows: readonly Window[], read: (window: Window) => number | null): StartAndEnd | null {
  const values = windows.map(read).filter((value) => value !== null);
  const third = Math.floor(values.length / 3);
  const [start, end] = [meanOf(values.slice(0, third)), meanOf(values.slice(-third))];
  return third < 2 || start === null || end === null ? null : { start, end };
}
