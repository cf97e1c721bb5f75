import { type EngineLoad, addReported } from '../../core/measurements.ts';

/** What engines tell of their load. */
export interface EngineLoads {
  /** `server`: number of the server; null: it does not tell any more. */
  set(server: number, load: EngineLoad | null): void;
  /**
   * The sum over the servers that tell and are at work: what one without requests in flight told last is out of date. The
   * share of the KV cache is that of the fullest. Null where none tells.
   */
  read(isAtWork: (server: number) => boolean): EngineLoad | null;
}

export function createEngineLoads(): EngineLoads {
  const loads = new Map<number, EngineLoad>();
  return {
    set(server, load) {
      if (load === null) loads.delete(server);
      else loads.set(server, load);
    },
    read(isAtWork) {
      const told = [...loads].flatMap(([server, load]) => (isAtWork(server) ? [load] : []));
      const [first = null, ...others] = told;
      return others.reduce((sum, load) => sum && addLoads(sum, load), first);
    },
  };
}

function addLoads(one: EngineLoad, other: EngineLoad): EngineLoad {
  const shared = one.others === undefined && other.others === undefined;
  return {
    running: one.running + other.running,
    waiting: addReported(one.waiting, other.waiting),
    kvUsage: greater(one.kvUsage, other.kvUsage),
    ...(shared ? {} : { others: (one.others ?? 0) + (other.others ?? 0) }),
  };
}

const greater = (one: number | null, other: number | null): number | null =>
  one === null || other === null ? (one ?? other) : Math.max(one, other);
