import { createMeter } from '../../metrics/meter.ts';
import type { RunOutcome } from '../../run/run-request.ts';
import { outputNameOf } from '../records/bench-paths.ts';
import type { LoadedFacts } from './bench-slot.ts';
import type { TrialRecord, TrialSpec } from '../records/records.ts';
import type { TrialWatch } from './watch-trial.ts';

interface Seen {
  startedAt: Date;
  seen: ReturnType<TrialWatch['read']>;
}

interface Finished extends Seen {
  outcome: RunOutcome;
  loaded: LoadedFacts | null;
  /** With the model loaded, as the trial began; null where it was not loaded then. */
  vramLoaded: number | null;
  vramAfter: number | null;
  /** Engines opened in the trial itself, after its warm-up; of a later batch, in its warm-up too. */
  loads: number;
}

export function finishedRecord(spec: TrialSpec, finished: Finished): TrialRecord {
  const { outcome, seen, loads } = finished;
  const { succeeded, failed } = outcome.snapshot.progress;
  // A baseline has no warm-up: its first load is its own.
  const reloads = seen.reloads + Math.max(0, spec.strategy === 'baseline' ? loads - 1 : loads);
  return {
    ...emptyRecord(spec, finished),
    ...engineFacts(finished),
    state: 'finished',
    error: null,
    succeeded,
    failed,
    reloads,
    summary: outcome.snapshot,
    output: outputNameOf(spec),
  };
}

export const failedRecord = (spec: TrialSpec, { error, ...seen }: Seen & { error: string }): TrialRecord => ({
  ...emptyRecord(spec, seen),
  state: 'failed',
  error,
});

const unmeasured = { before: null, loaded: null, after: null };

function engineFacts({ loaded, vramLoaded, vramAfter }: Finished): Partial<TrialRecord> {
  if (loaded === null) return {};
  const { backend, before } = loaded;
  const vram = { before, loaded: vramLoaded ?? loaded.loaded, after: vramAfter };
  return {
    backend_version: backend.info.version,
    model_digest: backend.info.modelDigest,
    server: backend.info.server ?? null,
    slots: backend.limits.slots,
    load_ms: backend.info.loadMs,
    vram_bytes: backend.info.usesLocalGpus === false ? unmeasured : vram,
  };
}

function emptyRecord(spec: TrialSpec, { startedAt, seen }: Seen): Omit<TrialRecord, 'state' | 'error'> {
  const { windows, seconds, first_20_rate, workers, reloads } = seen;
  return {
    type: 'trial',
    spec,
    started_at: startedAt.toISOString(),
    backend_version: null,
    model_digest: null,
    server: null,
    workers,
    slots: null,
    load_ms: null,
    seconds,
    succeeded: 0,
    failed: 0,
    first_20_rate,
    windows,
    vram_bytes: unmeasured,
    reloads,
    summary: createMeter().snapshot(),
    output: null,
  };
}
