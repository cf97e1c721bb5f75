import type { AgreementRecord, PlanRecord, TrialRecord, TrialSpec } from '../records/records.ts';
import type { Steady } from '../statistics/steady.ts';

/**
 * What the raw records of a bench mean: everything that the table, the pages, the saved setting and the exit code are made
 * of. Made by `analyse(records)` alone, so that a bench can be read again without running it. Null: not measured, or not
 * to be said.
 */
export interface BenchAnalysis {
  plan: PlanRecord;
  trials: TrialAnalysis[];
  /** One for each backend, model, size, strategy and options that was tried with several workers. */
  curves: WorkerCurve[];
  agreements: AgreementRecord[];
  /** One for each backend, model and options of batches on one loaded model. */
  stability: Stability[];
}

export interface TrialAnalysis {
  record: TrialRecord;
  /** The steady part: what may be quoted and projected from. */
  steady: Steady;
  /** Why it is as fast as it is, the weightiest first; empty where the numbers say nothing. */
  verdicts: Verdict[];
  /** Answers differ from those of the trial that it is compared with (the baseline, else the fewest workers), beyond noise. */
  changesAnswers: boolean | null;
  /** Of the fields of JSON answers, else of the texts: how many of them do, 0 to 1. */
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

/** Of trials that differ in their workers alone. */
export interface WorkerCurve extends Pick<TrialSpec, 'backend' | 'model' | 'size' | 'strategy' | 'options'> {
  points: {
    workers: number;
    rate: number | null;
    low: number | null;
    high: number | null;
    p50: number | null;
    p95: number | null;
    /** Requests answered per second, steady or not: nothing to be quoted. */
    roughRate: number;
    /** Of the requests that ended, the share that was answered. */
    success: number;
    trials: number[];
  }[];
  /** Null, as the two below: fewer than two of its points have a steady rate. */
  shape: 'more workers help' | "more workers don't help" | 'more workers hurt' | 'flat' | null;
  /** The fewest workers that reach 95 % of the best rate. */
  knee: number | null;
  /** The knee; of a flat one, the fewest workers. */
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
