import type { Stability, TrialAnalysis } from './analysis.ts';
import { meanOf } from './mean.ts';
import type { Window } from './records.ts';
import { type StabilityLimits, checkStability, defaultStabilityLimits } from './stability-checks.ts';
import { groupTrials, settingFields } from './trial-groups.ts';

/** Batch after batch on one loaded model: what changed from one to the next, and whether that is within the limits. */
export function findStability(
  trials: readonly TrialAnalysis[],
  limits: StabilityLimits = defaultStabilityLimits,
): Stability[] {
  const inBatches = trials.filter(({ record }) => record.spec.batch !== null);
  return groupTrials(inBatches, [...settingFields, 'repeat']).map((group) => {
    const ordered = group.toSorted((left, right) => (left.record.spec.batch ?? 0) - (right.record.spec.batch ?? 0));
    const batches = ordered.map(batchOf);
    const { backend = '', model = '' } = ordered[0]?.record.spec ?? {};
    return { backend, model, batches, checks: checkStability(batches, limits) };
  });
}

/** VRAM before is that of the loaded model: loading it is no growth. Memory of processes is that of the batch's end. */
function batchOf({ record, steady }: TrialAnalysis): Stability['batches'][number] {
  const { loaded, before, after } = record.vram_bytes;
  const vramBefore = loaded ?? before;
  return {
    trial: record.spec.number,
    rate: steady.rate ?? (record.seconds > 0 && record.succeeded > 0 ? record.succeeded / record.seconds : null),
    vramBefore,
    vramAfter: after,
    vramPeak: record.summary.gpuPeakBytes,
    vramDelta: vramBefore === null || after === null ? null : after - vramBefore,
    runnerBytes: atTheEnd(record.windows, ({ client }) => client?.memory_bytes),
    engineBytes: atTheEnd(record.windows, ({ engine }) => engine?.memory_bytes),
    reloads: record.reloads,
    succeeded: record.succeeded,
    requests: record.spec.size,
  };
}

const atTheEnd = (windows: Window[], read: (window: Window) => number | undefined): number | null =>
  meanOf(
    windows
      .map(read)
      .filter((value) => value !== undefined)
      .slice(-3),
  );
