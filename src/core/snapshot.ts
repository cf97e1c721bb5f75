import type { Distribution } from '../data/distribution.ts';
import type { EngineLoad, GpuSample, ModelMemory } from './measurements.ts';
import type { ErrorGroup, ErrorKind } from './errors.ts';
import type { AnswerNote } from './events.ts';

/**
 * The state of a run as numbers: what the display draws, the manifest keeps and the reports print.
 * Null means "not measured", and is shown as n/a.
 */
export interface Snapshot {
  /** Requests of the run; null while the input is still being read. */
  total: number | null;
  done: number;
  succeeded: number;
  failed: number;
  inFlight: number;
  retries: number;
  /** Seconds that this session measured. */
  elapsedSeconds: number;
  /** Requests per second over the last minute, and over the whole session. */
  recentRate: number | null;
  overallRate: number | null;
  /** Prompt + completion tokens per second, likewise. */
  recentTokenRate: number | null;
  overallTokenRate: number | null;
  /** Seconds left by the recent rate, and its range by the spread of the rate; null before it is known. */
  eta: { seconds: number; low: number; high: number } | null;
  tokens: {
    /**
     * Of all attempts, those that failed, were cut, retried or stopped included. Null where the engine did not count those
     * of each answer, or nobody counted any.
     */
    prompt: number | null;
    completion: number | null;
    /** Attempts without an answer whose tokens nobody counted: where there are any, the two are the least that was spent. */
    uncounted: number;
    /** Of the requests that succeeded alone, by their last attempts. */
    answered: { prompt: number | null; completion: number | null };
    /** Null where the engine reports no cached tokens. */
    cached: number | null;
    /** cached / prompt, over the results that report it. */
    cacheHitRate: number | null;
  };
  context: { current: number | null; peak: number | null; limit: number | null; trims: number };
  latencyMs: Distribution | null;
  ttftMs: Distribution | null;
  queueMs: Distribution | null;
  errors: Partial<Record<ErrorKind, number>>;
  errorGroups: Partial<Record<ErrorGroup, number>>;
  /** Successes that say nothing, whose JSON was taken out of something, whose form was not checked. Absent: none. */
  notes?: Partial<Record<AnswerNote, number>>;
  gpus: GpuSample[] | null;
  /** Highest GPU memory seen in use, summed over the GPUs. */
  gpuPeakBytes: number | null;
  /** The local engine's process: percent of one core, resident bytes, and the peak of the latter. */
  engine: { cpuPercent: number; memoryBytes: number; peakMemoryBytes: number } | null;
  loadMs: number | null;
  /** What the loaded model takes, as the engine says it. */
  modelMemory: ModelMemory | null;
  /** Workers that may send now: fewer than at the start after a lack of memory, 0 while GPU memory makes them pause. */
  workers: number;
  workersAtStart: number;
  /** More than at the start where the number is found in the run. */
  mostWorkers: number;
  /** How often GPU memory at its limit made the run trim, halve its workers, pause; null where no GPU was measured. */
  vramGuard: { trims: number; lowered: number; pauses: number } | null;
  engineRestarts: number;
  /** Null where the engine does not tell. */
  engineLoad: EngineLoad | null;
}

/** A snapshot that an earlier version kept, with what it did not know of. */
export function completeSnapshot(kept: Snapshot): Snapshot {
  const workers = { workersAtStart: kept.workers, mostWorkers: kept.workers };
  const later: Partial<Snapshot> = { modelMemory: null, vramGuard: null, ...workers };
  // Tokens were those of the answers alone.
  const known: Partial<Snapshot['tokens']> | undefined = kept.tokens;
  const { prompt = null, completion = null } = known ?? {};
  const answers: Partial<Snapshot['tokens']> = {
    uncounted: kept.failed + kept.retries,
    answered: { prompt, completion },
  };
  return { ...later, ...kept, tokens: { ...answers, ...kept.tokens } };
}
