import type { Backend } from '../../core/backend.ts';
import type { BackendCache } from '../../run/choose/backend-cache.ts';

/** A cache of engines that tells which model is loaded, and how many times one was. */
export interface LoadWatch {
  cache: BackendCache;
  /** The model that was opened last; null where none is loaded. */
  model: () => string | null;
  loads: () => number;
}

export function watchLoads(cache: BackendCache): LoadWatch {
  const known = new WeakSet<Backend>();
  const state = { model: null as string | null, loads: 0 };
  return {
    cache: {
      async open(definition, request) {
        state.model = null;
        const backend = await cache.open(definition, request);
        if (!known.has(backend)) state.loads++;
        known.add(backend);
        state.model = request.model;
        return backend;
      },
      async close(isUrgent) {
        state.model = null;
        await cache.close(isUrgent);
      },
    },
    model: () => state.model,
    loads: () => state.loads,
  };
}
