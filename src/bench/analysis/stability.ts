import type { Stability, TrialAnalysis } from './analysis.ts';
import { meanOf, average } from '../statistics/mean.ts';
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
function batchOf({ record, steady }: TrialAnalysis): Stability['batches'][number] {
  const { loaded, before, after } = record.vram_bytes;
  const vramBefore = loaded ?? before;
  return {
    trial: record.spec.number,
    rate: steady.rate ?? (record.seconds > 0 && record.succeeded > 0 ? record.succeeded / record.seconds : null),
    vramBefore,
    vramAfter: after,
    vramPeak: record.summary.machine.gpuPeakBytes,
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

export interface StabilityLimits {
  /** GPU memory that a batch may leave behind, and that batch after batch may. */
  vramDeltaBytes: number;
  vramLeakBytes: number;
  /** Of the rates of the batches: the largest less the smallest, as a share of their mean. */
  rateVariance: number;
  reloads: number;
  /** Share of the requests. */
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

const checkStability = (batches: Batches, limits: StabilityLimits): Check[] => [
  vramDelta(batches, limits),
  vramLeak(batches, limits),
  rateVariance(batches, limits),
  modelReloads(batches, limits),
  success(batches, limits),
];

function vramDelta(batches: Batches, { vramDeltaBytes }: StabilityLimits): Check {
  const deltas = known(batches.map((batch) => batch.vramDelta));
  const most = deltas.length === 0 ? null : Math.max(...deltas);
  return {
    name: 'VRAM delta',
    limit: `< ${formatBytes(vramDeltaBytes)} a batch`,
    measured: most === null ? notMeasured : `${formatChange(most)} at most`,
    passed: most === null ? null : most < vramDeltaBytes,
  };
}

/**
 * The first batch may fill caches, so growth counts from its end on: a leak is a median step of the limit or more with no
 * step back below half of it, so that neither one large step nor a neighbour's coming and going is one.
 */
function vramLeak(batches: Batches, { vramLeakBytes }: StabilityLimits): Check {
  const after = known(batches.map(({ vramAfter }) => vramAfter));
  const steps = after.slice(1).map((bytes, at) => bytes - (after[at] ?? bytes));
  const limit = `< ${formatBytes(vramLeakBytes)} from batch to batch`;
  if (steps.length < 2) return { name: 'VRAM leak', limit, measured: notMeasured, passed: null };
  const step = median(steps);
  const isLeak = step >= vramLeakBytes && Math.min(...steps) >= vramLeakBytes / 2;
  return { name: 'VRAM leak', limit, measured: `${formatChange(step)} from batch to batch`, passed: !isLeak };
}

function rateVariance(batches: Batches, limits: StabilityLimits): Check {
  const rates = known(batches.map(({ rate }) => rate));
  const limit = `< ${formatPercent(limits.rateVariance)} between batches`;
  if (rates.length < 2) return { name: 'rate variance', limit, measured: notMeasured, passed: null };
  const variance = (Math.max(...rates) - Math.min(...rates)) / average(rates);
  return { name: 'rate variance', limit, measured: formatPercent(variance), passed: variance < limits.rateVariance };
}

function modelReloads(batches: Batches, { reloads }: StabilityLimits): Check {
  const seen = batches.reduce((sum, batch) => sum + batch.reloads, 0);
  const limit = reloads === 0 ? 'none' : `${reloads} at most`;
  return { name: 'model reloads', limit, measured: formatInteger(seen), passed: seen <= reloads };
}

function success(batches: Batches, limits: StabilityLimits): Check {
  const [succeeded, requests] = batches.reduce(
    ([done, all], batch) => [done + batch.succeeded, all + batch.requests],
    [0, 0],
  );
  return {
    name: 'success',
    limit: formatPercent(limits.success),
    measured: `${formatInteger(succeeded)} of ${formatInteger(requests)}`,
    passed: succeeded >= limits.success * requests,
  };
}

const formatChange = (bytes: number): string => `${bytes < 0 ? '-' : '+'}${formatBytes(Math.abs(bytes))}`;

const known = (values: (number | null)[]): number[] => values.filter((value) => value !== null);
