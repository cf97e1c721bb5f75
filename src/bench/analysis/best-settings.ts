import type { BestSetting } from '../../run/choose/best-settings.ts';
import type { BenchAnalysis, WorkerCurve } from './analysis.ts';
import type { TrialRecord } from '../records/records.ts';

/**
 * What `run --workers auto` is to take from now on, for each backend, model and options whose worker curve says it: of the
 * independent strategy, which is what `run` takes by itself, and of the largest size, which says most of a long run.
 */
export function bestSettings(
  analysis: BenchAnalysis,
  { hardware, folder }: { hardware: string; folder: string },
): BestSetting[] {
  const best = new Map<string, Candidate>();
  for (const curve of analysis.curves) {
    const candidate = candidateOf(curve, analysis);
    if (candidate === null || candidate.record.spec.strategy !== 'independent') continue;
    const key = keyOf(candidate.record);
    if (candidate.record.spec.size >= (best.get(key)?.record.spec.size ?? 0)) best.set(key, candidate);
  }
  return [...best.values()].map(({ record, workers, rate }) => ({
    schema_version: 1,
    backend: record.spec.backend,
    model: record.spec.model,
    digest: record.model_digest,
    server: record.server ?? null,
    hardware,
    options: record.spec.options,
    workers,
    rate,
    measured_at: record.started_at,
    bench: folder,
  }));
}

interface Candidate {
  record: TrialRecord;
  workers: number;
  rate: number;
}

/** Null where its trials were too short, or too unsteady, to recommend anything. */
function candidateOf({ points, recommended }: WorkerCurve, { trials }: BenchAnalysis): Candidate | null {
  const point = points.find(({ workers }) => workers === recommended);
  const record = trials.find((trial) => trial.record.spec.number === point?.trials.at(-1))?.record;
  if (point === undefined || point.rate === null || record === undefined) return null;
  return { record, workers: point.workers, rate: point.rate };
}

const keyOf = ({ spec: { backend, model, options }, model_digest, server }: TrialRecord): string =>
  JSON.stringify([backend, model, model_digest, server, options]);
