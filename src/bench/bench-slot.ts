import type { Backend, BackendDefinition, OpenRequest } from '../core/backend.ts';
import { EngineError } from '../core/errors.ts';
import { type EngineSlot, createEngineSlot } from '../run/engine-slot.ts';
import { cycledBackend } from './cycled-backend.ts';

/** The engine that is loaded, and what its load took. */
export interface LoadedFacts {
  backend: Backend;
  /** VRAM in use before and after the load; null where it isn't measured. */
  before: number | null;
  loaded: number | null;
}

/** What the trials of a load want of their engine. */
export interface LoadWish {
  /** The most workers among them: fewer can use the same engine. Null: what the engine takes by itself. */
  workers: number | null;
  /** Unloaded between any two requests. */
  isCycled: boolean;
}

export interface BenchSlot extends EngineSlot {
  wish: (wish: LoadWish) => void;
  facts: () => LoadedFacts | null;
  /** How often an engine was opened so far. */
  opened: () => number;
}

/** The engine slot of a bench: one engine serves all trials of a load, and is freed when the next one is loaded. */
export function createBenchSlot(usedVram: () => Promise<number | null>): BenchSlot {
  const slot = createEngineSlot();
  let wished: LoadWish = { workers: null, isCycled: false };
  let facts: LoadedFacts | null = null;
  let opened = 0;
  /** Wishes for so many workers that they were refused: too little memory, most often. */
  const refused = new Set<LoadWish>();

  const watched = (definition: BackendDefinition): BackendDefinition => ({
    ...definition,
    // Under a name of its own: a slot keeps what is opened in the same way.
    name: wished.isCycled ? `${definition.name}, unloaded between requests` : definition.name,
    async open(request) {
      opened++;
      facts = null;
      const before = await usedVram();
      const backend = await (wished.isCycled ? cycledBackend(definition, request) : definition.open(request));
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
