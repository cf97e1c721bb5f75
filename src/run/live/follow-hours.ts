import { type Hours, parseHours } from './hours.ts';

/** Told when the hours of a run begin (null), and when they end: the time at which they begin again. */
export type OnHours = (closedUntil: Date | null) => void;

/** A computer that slept is told the time within these milliseconds; a timer to the hour itself would have slept too. */
const lookMs = 1000;

/**
 * Follows the hours of a run, `22-07`, by the local time. `onChange` is told at once where they are over, and at each change.
 * Returns what ends that. Throws a `UsageError` where the text names no hours.
 */
export function followHours(text: string, onChange: OnHours, now: () => Date = () => new Date()): () => void {
  const hours: Hours = parseHours(text);
  let isOpen = true;
  const look = (): void => {
    const time = now();
    const is = hours.isWithin(time);
    if (is === isOpen) return;
    isOpen = is;
    onChange(is ? null : hours.nextChange(time));
  };
  look();
  const timer = setInterval(look, lookMs);
  return () => clearInterval(timer);
}
