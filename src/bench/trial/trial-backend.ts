import type { Backend, BackendDefinition, OpenRequest } from '../../core/backend.ts';
import { EngineError } from '../../core/errors.ts';
import { type BackendCache, createBackendCache } from '../../run/choose/backend-cache.ts';
import { failure } from '../../core/completion.ts';

/** The engine that is loaded, and the GPU memory that its load took. */
export interface LoadedFacts {
  backend: Backend;
  /** GPU memory in use before and after the load, in bytes; null where it isn't measured. */
  before: number | null;
  loaded: number | null;
}

/** What the trials that share one loaded engine need of it. */
export interface LoadRequirements {
  /** Largest number of workers among them: fewer can use the same engine. Null: what the engine takes by itself. */
  workers: number | null;
  /** The model is loaded anew for each request. */
  isColdStart: boolean;
}

export interface TrialBackend extends BackendCache {
  /** Says what the trials that come next need. */
  prepare: (requirements: LoadRequirements) => void;
  /** The engine that is loaded; null before any is. */
  facts: () => LoadedFacts | null;
  /** Number of times that an engine was opened so far. */
  opened: () => number;
}

/** The engines of a bench: one serves all trials that can share it, and is freed when the next one is loaded. */
export function createTrialBackend(usedVram: () => Promise<number | null>): TrialBackend {
  const cache = createBackendCache();
  let required: LoadRequirements = { workers: null, isColdStart: false };
  let facts: LoadedFacts | null = null;
  let opened = 0;
  /** What asked for so many workers that it was refused, most often for a lack of memory. */
  const refused = new Set<LoadRequirements>();

  const watched = (definition: BackendDefinition): BackendDefinition => ({
    ...definition,
    // Under a name of its own: the cache keeps what is opened in the same way.
    name: required.isColdStart ? `${definition.name}, unloaded between requests` : definition.name,
    async open(request) {
      opened++;
      facts = null;
      const before = await usedVram();
      const backend = await (required.isColdStart ? coldStartBackend(definition, request) : definition.open(request));
      facts = { backend, before, loaded: await usedVram() };
      return backend;
    },
  });

  return {
    prepare(requirements) {
      required = requirements;
    },
    facts: () => facts,
    opened: () => opened,
    async open(definition, request) {
      // Two engines need not find place beside each other.
      const own: OpenRequest = { ...request, unload: true };
      if (required.workers === null || required.workers === request.workers || refused.has(required)) {
        return cache.open(watched(definition), own);
      }
      try {
        return await cache.open(watched(definition), { ...own, workers: required.workers });
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        refused.add(required);
        return cache.open(watched(definition), own);
      }
    },
    close: cache.close,
  };
}

/**
 * An engine that is opened for each request and closed behind it: a cold start for an engine that has no setting for
 * unloading its model. One request at a time.
 */
async function coldStartBackend(definition: BackendDefinition, request: OpenRequest): Promise<Backend> {
  const first = await definition.open(request);
  await first.close();
  let current: Backend | null = null;
  return {
    info: first.info,
    limits: first.limits,
    supervision: { pid: () => current?.supervision?.pid?.() ?? null },
    async generate(asked, context) {
      try {
        current = await definition.open({ ...request, signal: context.signal, onNotice: () => {} });
        return await current.generate(asked, context);
      } catch (error) {
        context.signal.throwIfAborted();
        if (error instanceof EngineError) return failure(error.kind, error.message);
        throw error;
      } finally {
        await current?.close();
        current = null;
      }
    },
    close: async () => {},
  };
}
