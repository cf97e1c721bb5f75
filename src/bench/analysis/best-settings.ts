import type { BestSetting } from '../../run/choose/saved-settings.ts';
import type { BenchAnalysis, WorkerCurve } from './analysis.ts';
import type { TrialRecord } from '../records/records.ts';
import { tokensOfAnswer } from './engine-numbers.ts';

type Setting = Omit<BestSetting, 'schemaVersion'>;

/**
 * What `run --workers auto` is to take from now on, for each backend, model and options whose worker curve is sure of
 * it: of the independent strategy, which is what `run` takes by itself, and of the largest size, which says most of a
 * long run. What several servers are best with together is no setting of one of them.
 */
export function bestSettings(
  { curves, trials }: BenchAnalysis,
  { hardware, folder }: { hardware: string; folder: string },
): Setting[] {
  const best = new Map<string, { setting: Setting; size: number }>();
  for (const curve of curves) {
    const point = pointToSave(curve);
    const record = trials.find((trial) => trial.record.spec.number === point?.trials.at(-1))?.record;
    if (point === null || record === undefined || record.servers !== undefined) continue;
    const key = keyOf(record);
    if (record.spec.size < (best.get(key)?.size ?? 0)) continue;
    best.set(key, { setting: { ...settingOf(record, point), hardware, bench: folder }, size: record.spec.size });
  }
  return [...best.values()].map(({ setting }) => setting);
}

type SavedPoint = WorkerCurve['points'][number] & { rate: number };

/** The setting to save; null where its trials were too short, or too unsteady, to be sure of anything. */
function pointToSave({ points, shape, recommended, strategy }: WorkerCurve): SavedPoint | null {
  const point = points.find(({ workers }) => workers === recommended);
  if (point === undefined || point.rate === null || shape === null || strategy !== 'independent') return null;
  return { ...point, rate: point.rate };
}

const settingOf = (record: TrialRecord, { workers, rate }: SavedPoint): Omit<Setting, 'hardware' | 'bench'> => ({
  backend: record.spec.backend,
  model: record.spec.model,
  digest: record.modelDigest,
  server: record.server,
  options: record.spec.options,
  workers,
  rate,
  completionTokens: tokensOfAnswer(record, 'completion'),
  measuredAt: record.startedAt,
});

const keyOf = ({ spec: { backend, model, options }, modelDigest, server }: TrialRecord): string =>
  JSON.stringify([backend, model, modelDigest, server, options]);
