import type { ErrorKind } from '../../core/errors.ts';
import type { GpuSample } from '../../core/measurements.ts';
import type { Snapshot } from '../../core/snapshot.ts';
import type { OwnUse } from '../../machine/own-use.ts';

/**
 * One line of a bench's `trials.jsonl`, the raw truth that every report is made of: appended as it happens and never
 * edited. The first is the plan; a trial's record comes when the trial has ended; the end and the agreements come last.
 */
export type BenchRecord = PlanRecord | TrialRecord | EndRecord | AgreementRecord;

export const strategies = ['baseline', 'keep-alive', 'conversation', 'independent'] as const;
/**
 * How requests are sent. baseline: each alone, one after the other, the model unloaded between; keep-alive: the same,
 * the model kept loaded; conversation and independent: as `--mode` has them.
 */
export type Strategy = (typeof strategies)[number];

/** What one trial measures: a point of the matrix. */
export interface TrialSpec {
  /** Place in the order of execution, from 1. */
  number: number;
  backend: string;
  model: string;
  /** Requests in flight; null: auto. */
  workers: number | null;
  /** Requests that the trial has; fewer are sent where the budget stops it. */
  size: number;
  strategy: Strategy;
  options: Record<string, string | number | boolean>;
  /** Which of the trials of this point it is, from 1. */
  repeat: number;
  /** Which of the batches on one loaded model it is, from 1; null where each trial is on its own. */
  batch: number | null;
}

export interface PlanRecord {
  type: 'plan';
  /** When the bench was planned, as ISO 8601. */
  createdAt: string;
  /** `path` as it was given; null: the bundled candidates. */
  input: { path: string | null; sha256: string; requests: number };
  /** Seed that the order of the trials is drawn from. */
  seed: number;
  trials: TrialSpec[];
  budgetSeconds: number | null;
}

/** All trials that could be run have ended. */
export interface EndRecord {
  type: 'end';
  /** Numbers of the trials that the budget had no time for. */
  leftOut: number[];
}

/** The end of one request of a trial; a number is null where it was not measured. */
export interface TrialResult {
  /** When its last byte came, in epoch milliseconds. */
  endedAt: number;
  /** Time from the sending to the whole answer, in milliseconds. */
  latencyMs: number;
  /** Time in the server's queue, in milliseconds. */
  queueMs: number | null;
  /** Time to the first token, in milliseconds. */
  ttftMs: number | null;
  /** Why it failed; null: it was answered. */
  error: ErrorKind | null;
  /** Tokens of all its attempts; of those that failed, as far as they were counted. */
  promptTokens: number | null;
  completionTokens: number | null;
  cachedTokens: number | null;
  /** Prompt tokens of the answer itself; 0 where it failed. */
  answeredPromptTokens: number | null;
}

/** What was seen of the machine at one time; a part is absent where this sample says nothing of it. */
export interface MachineSample {
  /** When it was seen, in epoch milliseconds. */
  atMs: number;
  gpus?: GpuSample[];
  /** CPU and memory that llmbatch itself uses. */
  client?: OwnUse;
  /** Processes of the engine: CPU use in percent of one core, and resident bytes. */
  engine?: { cpuPercent: number; memoryBytes: number };
  /** Memory of the machine that is swapped out, in bytes. */
  swapBytes?: number;
}

export interface TrialRecord {
  type: 'trial';
  spec: TrialSpec;
  /** When its first request could be sent, after its warm-up; ISO 8601. */
  startedAt: string;
  /** failed: it could not be run; `error` says why. */
  state: 'finished' | 'failed';
  error: string | null;
  backendVersion: string | null;
  modelDigest: string | null;
  /** Address of the server that answered; null: an engine of our own, or several servers. */
  server: string | null;
  /** Short names of the servers that shared the requests; absent where there were not several. */
  servers?: string[];
  /** Requests in flight that the run had: what `auto` became. Null with several servers, each of which has its own number. */
  workers: number | null;
  /** Requests that the server works on at once; null with several servers. */
  slots: number | null;
  loadMs: number | null;
  /** Seconds from the first request sent to the last answer. */
  seconds: number;
  succeeded: number;
  failed: number;
  /** Requests per second of the first 20 answers: what a quick look would have promised. Null with fewer. */
  first20Rate: number | null;
  results: TrialResult[];
  machine: MachineSample[];
  /** Stretches that version 1 kept in the place of results and machine samples; null: they are made of those. */
  windows: Window[] | null;
  /** GPU memory in use before the model was loaded, with it as the trial began, and after the trial, in bytes. */
  vramBytes: { before: number | null; loaded: number | null; after: number | null };
  /** Loads of the model in the trial beyond the first. */
  reloads: number;
  summary: Snapshot;
  /** Path of the results, from the folder of the bench; null where they were not kept. */
  output: string | null;
}

/** A stretch of a trial: the requests that ended in it, and what was seen of the machine. Null: not measured. */
export interface Window {
  /** Seconds from the first request sent to the end of the window. */
  atSeconds: number;
  /** Length of the window, in seconds. */
  seconds: number;
  requests: number;
  failures: number;
  /** Tokens of all attempts of these requests, as far as those that failed were counted. */
  promptTokens: number | null;
  completionTokens: number | null;
  cachedTokens: number | null;
  /** Prompt tokens of the answers alone; absent in records of 0.1, which knew no others. */
  answeredPromptTokens?: number | null;
  /** Means over the requests that succeeded, in milliseconds. */
  latencyMs: number | null;
  queueMs: number | null;
  ttftMs: number | null;
  /** Means of the machine samples in the window. */
  gpu: GpuWindow | null;
  client: OwnUse | null;
  engine: NonNullable<MachineSample['engine']> | null;
  swapBytes: number | null;
}

/** All GPUs in a stretch of a trial: memory and power summed, use the mean, heat and clock those of the worst one. */
export interface GpuWindow {
  usedBytes: number | null;
  totalBytes: number | null;
  /** Percent of the time that the GPU computed. */
  utilisation: number | null;
  /** Temperature in degrees Celsius. */
  temperature: number | null;
  powerWatts: number | null;
  /** Clock of the cores, and its maximum, in MHz. */
  clock: number | null;
  maxClock: number | null;
  /** The driver says that it slows the GPU down for heat or power. */
  isThrottled: boolean | null;
}

export interface AgreementRecord {
  type: 'agreement';
  /** Number of the trial that the other is compared with; reference: the answers that the input expects. */
  left: number | 'reference';
  right: number;
  /** Requests that both answered. */
  compared: number;
  /** Requests whose two answers have the same text. */
  sameText: number;
  /** Fields compared, of answers that are JSON in both, and how many are equal. */
  fields: number;
  sameFields: number;
  /** Mean absolute difference of the numbers in them; null where there are none. */
  meanDifference: number | null;
  /** Requests of which a field went from one word to another (a verdict). */
  changedVerdicts: number;
  /** The answers that differ most. */
  worst: { id: string; left: string; right: string; difference: number | null }[];
}
