import type { ResultSample } from '../../core/events.ts';
import {
  type MachineSample,
  type OpenWindow,
  addMachine,
  addResult,
  closeWindow,
  mergeWindows,
  openWindow,
} from './open-window.ts';
import type { Window } from '../records/records.ts';

export interface TrialWindows {
  /** In any order. A line that never became a request is no work, and not counted. */
  addResult(sample: ResultSample): void;
  /** `atMs`: epoch milliseconds. */
  addMachine(sample: MachineSample, atMs: number): void;
  read(): TrialSpan;
}

export interface TrialSpan {
  windows: Window[];
  /** From the first request sent to the last answer. */
  seconds: number;
  /** As in the trial's record; null with fewer than 20 answers. */
  first_20_rate: number | null;
}

const maxWindows = 60;
const narrowestMs = 50;
const quickLook = 20;

/**
 * Folds a trial into 30 to 60 windows of equal width, fewer of one that lasted less than 1.5 seconds: a window is 50 ms wide
 * at first, and twice as wide each time there are too many. Memory does not grow with the trial.
 */
export function createWindows(): TrialWindows {
  let widthMs = narrowestMs;
  let windows = new Map<number, OpenWindow>();
  const span = { firstMs: Infinity, lastMs: -Infinity };
  let firstEnds: number[] = [];

  const windowAt = (atMs: number): OpenWindow => {
    const index = Math.floor(atMs / widthMs);
    const window = windows.get(index) ?? openWindow();
    windows.set(index, window);
    return window;
  };
  const widen = (): void => {
    while (Math.floor(span.lastMs / widthMs) - Math.floor(span.firstMs / widthMs) >= maxWindows) {
      widthMs *= 2;
      windows = inPairs(windows);
    }
  };

  return {
    addResult(sample) {
      if (sample.attempts === 0 || !(sample.endedAt > 0)) return;
      span.firstMs = Math.min(span.firstMs, sample.endedAt - sample.latencyMs);
      span.lastMs = Math.max(span.lastMs, sample.endedAt);
      if (sample.kind === null) firstEnds = amongFirst(firstEnds, sample.endedAt);
      addResult(windowAt(sample.endedAt), sample);
      widen();
    },
    addMachine(sample, atMs) {
      addMachine(windowAt(atMs), sample);
    },
    read: () => ({
      windows: closeWindows({ windows, widthMs, ...span }),
      seconds: Math.max(0, span.lastMs - span.firstMs) / 1000,
      first_20_rate: rateOfFirst(firstEnds, span.firstMs),
    }),
  };
}

function inPairs(windows: Map<number, OpenWindow>): Map<number, OpenWindow> {
  const wider = new Map<number, OpenWindow>();
  for (const [index, window] of windows) {
    const half = Math.floor(index / 2);
    const other = wider.get(half);
    wider.set(half, other === undefined ? window : mergeWindows(other, window));
  }
  return wider;
}

interface Widths {
  windows: Map<number, OpenWindow>;
  widthMs: number;
  firstMs: number;
  lastMs: number;
}

/** Every window from the first request sent to the last answer, the empty ones too; the two at the ends are cut there. */
function closeWindows({ windows, widthMs, firstMs, lastMs }: Widths): Window[] {
  if (lastMs < firstMs) return [];
  const first = Math.floor(firstMs / widthMs);
  const count = Math.floor(lastMs / widthMs) - first + 1;
  return Array.from({ length: count }, (_, at) => {
    const fromMs = Math.max(firstMs, (first + at) * widthMs);
    const toMs = Math.min(lastMs, (first + at + 1) * widthMs);
    return {
      at_seconds: (toMs - firstMs) / 1000,
      seconds: (toMs - fromMs) / 1000,
      ...closeWindow(windows.get(first + at) ?? openWindow()),
    };
  });
}

function amongFirst(ends: number[], endedAt: number): number[] {
  if (endedAt >= (ends[quickLook - 1] ?? Infinity)) return ends;
  return [...ends, endedAt].toSorted((left, right) => left - right).slice(0, quickLook);
}

function rateOfFirst(ends: number[], firstMs: number): number | null {
  const seconds = ((ends[quickLook - 1] ?? firstMs) - firstMs) / 1000;
  return seconds > 0 ? quickLook / seconds : null;
}
