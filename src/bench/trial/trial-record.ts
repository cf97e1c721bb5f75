import { createMeter } from '../../metrics/meter.ts';
import type { Snapshot } from '../../core/snapshot.ts';
import { timesOf } from '../analysis/windows.ts';
import { outputNameOf } from '../records/bench-paths.ts';
import type { TrialRecord, TrialSpec } from '../records/records.ts';
import type { LoadedFacts } from './trial-backend.ts';
import type { TrialSamples } from './watch-trial.ts';

/** What is known of every trial, however it ended. */
interface Started {
  startedAt: Date;
  samples: TrialSamples;
}

interface Finished extends Started {
  snapshot: Snapshot;
  loaded: LoadedFacts | null;
  /** GPU memory in use as the trial began, with the model loaded; null where it was not loaded then. */
  vramLoaded: number | null;
  vramAfter: number | null;
  /** Short names of its servers; none where there is only one. */
  servers: string[];
  /** Engines opened in the trial itself, after its warm-up; of a later batch, in its warm-up too. */
  loads: number;
}

export function finishedRecord(spec: TrialSpec, finished: Finished): TrialRecord {
  const { snapshot, samples, loads } = finished;
  // A baseline has no warm-up: its first load is its own.
  const reloads = samples.reloads + Math.max(0, spec.strategy === 'baseline' ? loads - 1 : loads);
  return {
    ...emptyRecord(spec, finished),
    ...engineFacts(finished),
    ...factsOfSeveral(finished),
    state: 'finished',
    error: null,
    succeeded: snapshot.progress.succeeded,
    failed: snapshot.progress.failed,
    reloads,
    summary: snapshot,
    output: outputNameOf(spec),
  };
}

export const failedRecord = (spec: TrialSpec, { error, ...started }: Started & { error: string }): TrialRecord => ({
  ...emptyRecord(spec, started),
  state: 'failed',
  error,
});

const unmeasured = { before: null, loaded: null, after: null };

function engineFacts({ loaded, vramLoaded, vramAfter }: Finished): Partial<TrialRecord> {
  if (loaded === null) return {};
  const { backend, before } = loaded;
  const vram = { before, loaded: vramLoaded ?? loaded.loaded, after: vramAfter };
  return {
    backendVersion: backend.info.version,
    modelDigest: backend.info.modelDigest,
    server: backend.info.server ?? null,
    slots: backend.limits.slots,
    loadMs: backend.info.loadMs,
    vramBytes: backend.info.usesLocalGpus === false ? unmeasured : vram,
  };
}

/** What is one server's own says nothing of several. */
const factsOfSeveral = ({ servers }: Finished): Partial<TrialRecord> =>
  servers.length === 0 ? {} : { servers, server: null, slots: null, workers: null, loadMs: null };

const emptyRecord = (spec: TrialSpec, { startedAt, samples }: Started): Omit<TrialRecord, 'state' | 'error'> => ({
  type: 'trial',
  spec,
  startedAt: startedAt.toISOString(),
  backendVersion: null,
  modelDigest: null,
  server: null,
  slots: null,
  loadMs: null,
  ...timesOf(samples.results),
  succeeded: 0,
  failed: 0,
  ...samples,
  windows: null,
  vramBytes: unmeasured,
  summary: createMeter().snapshot(),
  output: null,
});
