import type { Stability, TrialAnalysis } from './analysis.ts';
import { average, meanOf, rateOf } from '../statistics/mean.ts';
import type { Window } from '../records/records.ts';
import { groupTrials, settingFields } from './trial-groups.ts';
import { formatBytes, formatInteger, formatPercent, notMeasured } from '../../text/format.ts';
import { median } from '../statistics/trend.ts';

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
function batchOf({ record, windows, steady }: TrialAnalysis): Stability['batches'][number] {
  const { loaded, before, after } = record.vramBytes;
  const vramBefore = loaded ?? before;
  return {
    trial: record.spec.number,
    rate: steady.rate ?? rateOf(record),
    vramBefore,
    vramAfter: after,
    vramPeak: record.summary.machine.gpuPeakBytes,
    vramDelta: vramBefore === null || after === null ? null : after - vramBefore,
    runnerBytes: atTheEnd(windows, ({ client }) => client?.memoryBytes),
    engineBytes: atTheEnd(windows, ({ engine }) => engine?.memoryBytes),
    reloads: record.reloads,
    succeeded: record.succeeded,
    requests: record.succeeded + record.failed,
  };
}

const atTheEnd = (windows: Window[], read: (window: Window) => number | undefined): number | null =>
  meanOf(
    windows
      .map(read)
      .filter((value) => value !== undefined)
      .slice(-3),
  );

export interface StabilityLimits {
  /** GPU memory that one batch may leave behind. */
  vramDeltaBytes: number;
  /** GPU memory that batch after batch may leave behind. */
  vramLeakBytes: number;
  /** Largest less smallest rate of the batches, as a share of their mean. */
  rateVariance: number;
  reloads: number;
  /** Share of the requests that must be answered. */
  success: number;
}

export const defaultStabilityLimits: StabilityLimits = {
  vramDeltaBytes: 0.5e9,
  vramLeakBytes: 0.1e9,
  rateVariance: 0.1,
  reloads: 0,
  success: 1,
};

type Batches = Stability['batches'];
type Check = Stability['checks'][number];

const checkStability = (batches: Batches, limits: StabilityLimits): Check[] => {
  const reloads = batches.reduce((sum, batch) => sum + batch.reloads, 0);
  const succeeded = batches.reduce((sum, batch) => sum + batch.succeeded, 0);
  const requests = batches.reduce((sum, batch) => sum + batch.requests, 0);
  return [
    vramDelta(batches, limits),
    vramLeak(batches, limits),
    rateVariance(batches, limits),
    {
      name: 'model reloads',
      limit: limits.reloads === 0 ? 'none' : `at most ${limits.reloads}`,
      measured: formatInteger(reloads),
      passed: reloads <= limits.reloads,
    },
    {
      name: 'success',
      limit: formatPercent(limits.success),
      measured: `${formatInteger(succeeded)} of ${formatInteger(requests)}`,
      passed: succeeded >= limits.success * requests,
    },
  ];
};

const unmeasured = { measured: notMeasured, passed: null };

function vramDelta(batches: Batches, { vramDeltaBytes }: StabilityLimits): Check {
  const deltas = known(batches.map((batch) => batch.vramDelta));
  const max = Math.max(...deltas);
  const result = { measured: `at most ${formatChange(max)}`, passed: max < vramDeltaBytes };
  const limit = `< ${formatBytes(vramDeltaBytes)} per batch`;
  return { name: 'VRAM delta', limit, ...(deltas.length === 0 ? unmeasured : result) };
}

/**
 * The first batch may fill caches, so growth counts from its end on: a leak is a median step of the limit or more with no
 * step back below half of it, so that neither one large step nor a neighbour's coming and going is one.
 */
function vramLeak(batches: Batches, { vramLeakBytes }: StabilityLimits): Check {
  const after = known(batches.map(({ vramAfter }) => vramAfter));
  const steps = after.slice(1).map((bytes, at) => bytes - (after[at] ?? bytes));
  const step = median(steps);
  const isLeak = step >= vramLeakBytes && Math.min(...steps) >= vramLeakBytes / 2;
  const result = { measured: `${formatChange(step)} from batch to batch`, passed: !isLeak };
  const limit = `< ${formatBytes(vramLeakBytes)} from batch to batch`;
  return { name: 'VRAM leak', limit, ...(steps.length < 2 ? unmeasured : result) };
}

function rateVariance(batches: Batches, limits: StabilityLimits): Check {
  const rates = known(batches.map(({ rate }) => rate));
  const variance = (Math.max(...rates) - Math.min(...rates)) / average(rates);
  const result = { measured: formatPercent(variance), passed: variance < limits.rateVariance };
  const limit = `< ${formatPercent(limits.rateVariance)} between batches`;
  return { name: 'rate variance', limit, ...(rates.length < 2 ? unmeasured : result) };
}

export const formatChange = (bytes: number): string => `${bytes < 0 ? '-' : '+'}${formatBytes(Math.abs(bytes))}`;

const known = (values: (number | null)[]): number[] => values.filter((value) => value !== null);
