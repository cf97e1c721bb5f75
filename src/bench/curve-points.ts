import type { TrialAnalysis, WorkerCurve } from './analysis.ts';
import { standardError } from './batch-means.ts';
import { average, meanOf } from './mean.ts';
import { studentQuantile } from './quantiles.ts';
import { workersOf } from './trial-groups.ts';
import { usualRate } from './verdicts/evidence.ts';

export type CurvePoint = WorkerCurve['points'][number];

/** A point for each number of workers, the fewest first: of its repeats, the mean. */
export function curvePoints(trials: readonly TrialAnalysis[]): CurvePoint[] {
  const byWorkers = new Map<number, TrialAnalysis[]>();
  for (const trial of trials) {
    const workers = workersOf(trial.record);
    if (workers !== null) byWorkers.set(workers, [...(byWorkers.get(workers) ?? []), trial]);
  }
  return [...byWorkers].toSorted(([left], [right]) => left - right).map(([workers, same]) => pointOf(workers, same));
}

export function pointOf(workers: number, trials: TrialAnalysis[]): CurvePoint {
  const latencies = trials.map(({ record }) => record.summary.latencyMs);
  return {
    workers,
    ...rateOfRepeats(trials),
    p50: meanOf(latencies.map((latency) => latency?.p50)),
    p95: meanOf(latencies.map((latency) => latency?.p95)),
    roughRate: average(trials.map(usualRate)),
    success: successOf(trials),
    trials: trials.map(({ record }) => record.spec.number),
  };
}

function successOf(trials: TrialAnalysis[]): number {
  const succeeded = trials.reduce((sum, { record }) => sum + record.succeeded, 0);
  return succeeded / trials.reduce((sum, { record }) => sum + record.succeeded + record.failed, 0);
}

/** Repeats can differ by more than each of them shows: the range is the wider one of within and between. */
function rateOfRepeats(trials: TrialAnalysis[]): Pick<CurvePoint, 'rate' | 'low' | 'high'> {
  const steady = trials.flatMap(({ steady: { rate, high } }) =>
    rate === null || high === null ? [] : [{ rate, half: high - rate }],
  );
  const rate = meanOf(steady.map((trial) => trial.rate));
  if (rate === null) return { rate: null, low: null, high: null };
  const within = Math.hypot(...steady.map(({ half }) => half)) / steady.length;
  // Of two repeats alone the range between them would be 13 standard errors: nothing could be told.
  const between =
    steady.length < 3
      ? 0
      : studentQuantile(0.975, steady.length - 1) * standardError(steady.map((trial) => trial.rate));
  const half = Math.max(within, between);
  return { rate, low: rate - half, high: rate + half };
}
