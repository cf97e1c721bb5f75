import type { OpenRequest } from '../../../core/backend.ts';
import { type EngineLoad, addReported } from '../../../core/measurements.ts';
import type { WorkerStats } from '../../subprocess/protocol.ts';
import type { KvPressure } from '../explain-cache.ts';

/** Sums the load of all engines of a run. */
interface LoadSum {
  note: (engine: number, stats: WorkerStats) => void;
  /** Tells how many replicas there are, from an engine that counts them. */
  noteReplicas: (replicas: NonNullable<EngineLoad['replicas']>) => void;
  /** The engine is started anew. */
  forget: (engine: number) => void;
  kvPressure: () => KvPressure;
}

export function createLoadSum({ onEngineLoad }: Pick<OpenRequest, 'onEngineLoad'>): LoadSum {
  const last = new Map<number, WorkerStats>();
  const sum = (numberOf: (one: WorkerStats) => number): number =>
    [...last.values()].reduce((total, one) => total + numberOf(one), 0);
  let peakUsage = 0;
  let replicas: EngineLoad['replicas'];
  const tell = (): void =>
    onEngineLoad({
      running: sum(({ running }) => running),
      waiting: sum(({ waiting }) => waiting),
      kvUsage: last.size === 0 ? null : sum(({ kvUsage }) => kvUsage) / last.size,
      ...(replicas && { replicas }),
    });
  return {
    note(engine, stats) {
      last.set(engine, stats);
      peakUsage = Math.max(peakUsage, stats.kvUsage);
      tell();
    },
    noteReplicas(counts) {
      replicas = counts;
      tell();
    },
    forget: (engine) => void last.delete(engine),
    kvPressure: () => ({
      peakUsage,
      preemptions: [...last.values()].reduce<number | null>(
        (total, one) => addReported(total, one.preemptions ?? null),
        null,
      ),
    }),
  };
}
