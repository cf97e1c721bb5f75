import type { Snapshot } from '../../core/snapshot.ts';

/**
 * `trials.jsonl` of a bench, the raw truth that every report is made of: one of these a line, appended as it happens and never
 * edited. The first is the plan, which comes again, and then holds, where the budget left trials out; a trial's record comes
 * when the trial has ended; agreements come last.
 */
export type BenchRecord = PlanRecord | TrialRecord | AgreementRecord;

export const recordsVersion = 1;

export const strategies = ['baseline', 'keep-alive', 'conversation', 'independent'] as const;
/**
 * How requests are sent. baseline: each alone, one after the other, the model unloaded between; keep-alive: the same, the model
 * kept loaded; conversation and independent: as `--mode` has them.
 */
export type Strategy = (typeof strategies)[number];

/** What one trial is: a point of the matrix. */
export interface TrialSpec {
  /** In the order of execution, from 1. */
  number: number;
  backend: string;
  model: string;
  /** Null: auto. */
  workers: number | null;
  /** Requests. */
  size: number;
  strategy: Strategy;
  options: Record<string, string | number | boolean>;
  /** From 1. */
  repeat: number;
  /** Of batches on one loaded model: which one, from 1; null where each trial is on its own. */
  batch: number | null;
}

export interface PlanRecord {
  type: 'plan';
  version: typeof recordsVersion;
  /** ISO 8601. */
  created_at: string;
  /** `path` as it was given; null: the bundled candidates. */
  input: { path: string | null; sha256: string; requests: number };
  seed: number;
  trials: TrialSpec[];
  /** What the budget had no room for. */
  left_out: TrialSpec[];
  budget_seconds: number | null;
}

/** A stretch of a trial, in the order of the ends of its requests. Null: not measured. */
export interface Window {
  /** Seconds from the first request sent to the end of the window, and how long it is. */
  at_seconds: number;
  seconds: number;
  /** That ended in it, and how many of them failed. */
  requests: number;
  failures: number;
  /** Of all attempts of these requests, as far as those that failed were counted. */
  prompt_tokens: number | null;
  completion_tokens: number | null;
  cached_tokens: number | null;
  /** Prompt tokens of the requests that succeeded alone; absent in records of 0.1, which knew no others. */
  answered_prompt_tokens?: number | null;
  /** Means over the requests that succeeded, ms. */
  latency_ms: number | null;
  queue_ms: number | null;
  ttft_ms: number | null;
  /** Mean of the samples in it, summed or the worst over the GPUs. */
  gpu: GpuWindow | null;
  /** This process: percent of one core, share of the time that its event loop was busy, 0 to 1, and resident bytes. */
  client: { cpu_percent: number; loop_busy: number; memory_bytes: number } | null;
  engine: { cpu_percent: number; memory_bytes: number } | null;
  /** Of the machine. */
  swap_bytes: number | null;
}

export interface GpuWindow {
  used_bytes: number | null;
  total_bytes: number | null;
  utilisation: number | null;
  temperature: number | null;
  power_watts: number | null;
  /** MHz of the cores now, and their most. */
  clock: number | null;
  clock_most: number | null;
  /** Does the driver say that it slows down for heat or power? */
  is_throttled: boolean | null;
}

export interface TrialRecord {
  type: 'trial';
  spec: TrialSpec;
  /** ISO 8601; after its warm-up. */
  started_at: string;
  /** failed: it could not be run to its end; `error` says why. */
  state: 'finished' | 'failed';
  error: string | null;
  backend_version: string | null;
  model_digest: string | null;
  /** Address of the server that answered; null: an engine of our own. */
  server: string | null;
  /** Requests in flight that the run had: what `auto` became. */
  workers: number | null;
  slots: number | null;
  load_ms: number | null;
  /** From the first request sent to the last answer. */
  seconds: number;
  succeeded: number;
  failed: number;
  /** Requests per second of the first 20 answers: what a quick look would have promised. */
  first_20_rate: number | null;
  windows: Window[];
  /** VRAM in use before the model's load, with the model loaded as the trial began, and after the trial. */
  vram_bytes: { before: number | null; loaded: number | null; after: number | null };
  /** Model loads in the trial beyond the first. */
  reloads: number;
  summary: Snapshot;
  /** The results, in the folder of the bench; null where they were not kept. */
  output: string | null;
}

export interface AgreementRecord {
  type: 'agreement';
  /** Numbers of the trials compared; for `reference`, with the answers that the input expects. */
  left: number | 'reference';
  right: number;
  /** Requests that both answered. */
  compared: number;
  same_text: number;
  /** Answers that are JSON in both: fields compared, and equal. */
  fields: number;
  same_fields: number;
  /** Mean absolute difference of the numbers in them; null where there are none. */
  mean_difference: number | null;
  /** Requests whose text fields changed from one word to another (a verdict). */
  changed_verdicts: number;
  worst: { id: string; left: string; right: string; difference: number | null }[];
}
