import type { AgreementRecord, PlanRecord, TrialRecord, TrialSpec, Window } from '../records/records.ts';
import type { Range, Steady } from '../statistics/steady.ts';

/**
 * What the raw records of a bench mean: everything that the table, the pages, the saved setting and the exit code are made
 * of. Made by `analyse(records)` alone, so that a bench can be read again without running it. Null: not measured, or not
 * to be said.
 */
export interface BenchAnalysis {
  plan: PlanRecord;
  /** Trials that the budget had no time for. */
  leftOut: TrialSpec[];
  trials: TrialAnalysis[];
  /** Worker curves: one for each backend, model, size, strategy and options that was tried with several workers. */
  curves: WorkerCurve[];
  agreements: AgreementRecord[];
  /** Stability of batches on one loaded model: one for each backend, model and options. */
  stability: Stability[];
}

/** A trial with its raw numbers in windows, and its steady part. */
export interface Trial {
  record: TrialRecord;
  windows: Window[];
  /** The steady part: what may be quoted and projected from. */
  steady: Steady;
}

export interface TrialAnalysis extends Trial {
  /** Why it is as fast as it is, the weightiest first; empty where the numbers say nothing. */
  verdicts: Verdict[];
  /** Its answers differ, beyond noise, from those of the trial that it is compared with (the baseline, else the smallest number of workers). */
  changesAnswers: boolean | null;
  /** How many of the fields of JSON answers, else of the texts, do: 0 to 1. */
  changedShare: number | null;
}

/** The weightiest first: what makes all other numbers say little, what loses speed, and last what is as it should be. */
export const causes = ['client-bound', 'memory', 'thermal', 'context', 'serialised', 'gpu-bound'] as const;
/** serialised: the server's slots are full, more requests only wait · memory: VRAM near its limit, layers on the CPU, swap. */
export type Cause = (typeof causes)[number];

export interface Verdict {
  cause: Cause;
  /** One sentence with its numbers, and what to do about it. */
  text: string;
}

/** Trials that differ in their workers alone. */
export interface WorkerCurve extends Pick<TrialSpec, 'backend' | 'model' | 'size' | 'strategy' | 'options'> {
  points: {
    workers: number;
    /** Rate of the steady part and its 95 % range, over the repeats; null where none is steady. */
    rate: number | null;
    low: number | null;
    high: number | null;
    /** Rough rate where none is steady. */
    rough: Range | null;
    /** Latency in milliseconds: half of the requests, and 95 of 100, take no longer. */
    p50: number | null;
    p95: number | null;
    /** Share of the requests that ended that was answered. */
    success: number;
    /** Numbers of its trials. */
    trials: number[];
  }[];
  /** What more workers do; null, as the knee: that is not sure yet, and the recommended number is the likely one. */
  shape: 'more workers help' | "more workers don't help" | 'more workers hurt' | 'flat' | null;
  /** The smallest number of workers that reaches 95 % of the best rate. */
  knee: number | null;
  /** The knee; of a flat curve, the smallest number of workers. Null where nothing was answered. */
  recommended: number | null;
  /** One sentence, with the server's setting that would move the knee. */
  text: string;
}

export interface Stability {
  backend: string;
  model: string;
  batches: {
    trial: number;
    rate: number | null;
    vramBefore: number | null;
    vramAfter: number | null;
    vramPeak: number | null;
    vramDelta: number | null;
    runnerBytes: number | null;
    engineBytes: number | null;
    reloads: number;
    succeeded: number;
    requests: number;
  }[];
  checks: { name: string; limit: string; measured: string; passed: boolean | null }[];
}
