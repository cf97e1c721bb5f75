import type { Backend, BackendDefinition, OpenRequest } from '../../core/backend.ts';
import { EngineError } from '../../core/errors.ts';
import { type BackendCache, createBackendCache } from '../../run/choose/backend-cache.ts';
import { failure } from '../../core/completion.ts';

/** The engine that is loaded, and what its load took. */
export interface LoadedFacts {
  backend: Backend;
  /** VRAM in use before and after the load; null where it isn't measured. */
  before: number | null;
  loaded: number | null;
}

/** What the trials of a load want of their engine. */
export interface LoadRequirements {
  /** The most workers among them: fewer can use the same engine. Null: what the engine takes by itself. */
  workers: number | null;
  /** Unloaded between any two requests. */
  isCycled: boolean;
}

export interface TrialBackend extends BackendCache {
  wish: (wish: LoadRequirements) => void;
  facts: () => LoadedFacts | null;
  /** How often an engine was opened so far. */
  opened: () => number;
}

/** The engine slot of a bench: one engine serves all trials of a load, and is freed when the next one is loaded. */
export function createTrialBackend(usedVram: () => Promise<number | null>): TrialBackend {
  const slot = createBackendCache();
  let wished: LoadRequirements = { workers: null, isCycled: false };
  let facts: LoadedFacts | null = null;
  let opened = 0;
  /** Wishes for so many workers that they were refused: too little memory, most often. */
  const refused = new Set<LoadRequirements>();

  const watched = (definition: BackendDefinition): BackendDefinition => ({
    ...definition,
    // Under a name of its own: a slot keeps what is opened in the same way.
    name: wished.isCycled ? `${definition.name}, unloaded between requests` : definition.name,
    async open(request) {
      opened++;
      facts = null;
      const before = await usedVram();
      const backend = await (wished.isCycled ? coldStartBackend(definition, request) : definition.open(request));
      facts = { backend, before, loaded: await usedVram() };
      return backend;
    },
  });

  return {
    wish(wish) {
      wished = wish;
    },
    facts: () => facts,
    opened: () => opened,
    async open(definition, request) {
      // Two engines need not find place beside each other.
      const own: OpenRequest = { ...request, unload: true };
      if (wished.workers === null || wished.workers === request.workers || refused.has(wished)) {
        return slot.open(watched(definition), own);
      }
      try {
        return await slot.open(watched(definition), { ...own, workers: wished.workers });
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        refused.add(wished);
        return slot.open(watched(definition), own);
      }
    },
    close: slot.close,
  };
}

/**
 * An engine that is opened for each request and closed behind it: what asking a cold model means to an engine that has no
 * word for unloading. One request at a time.
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
