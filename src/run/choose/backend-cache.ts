import type { Backend, BackendDefinition, OpenRequest } from '../../core/backend.ts';

/** Holds the one model that is loaded, at each server of a run, so that the inputs of a queue share it. */
export interface BackendCache {
  /** The loaded engine where it is the same, else a new one in its place. */
  open: (definition: BackendDefinition, request: OpenRequest) => Promise<Backend>;
  /** Frees the engines; with `isUrgent` at once, even in the middle of their work. */
  close: (isUrgent?: boolean) => Promise<void>;
}

export function createBackendCache(): BackendCache {
  /** By what says where the engine is. */
  const places = new Map<string, BackendCache>();
  return {
    open(definition, request) {
      const where = JSON.stringify(request.connection);
      const place = places.get(where) ?? createPlace();
      places.set(where, place);
      return place.open(definition, request);
    },
    async close(isUrgent) {
      await Promise.all([...places.values()].map((place) => place.close(isUrgent)));
    },
  };
}

/** Holds the one model that is loaded at one place. */
function createPlace(): BackendCache {
  let loaded: { key: string; model: string; backend: Backend } | null = null;
  /** The run that uses the engine now, and hears its notices. */
  let current: OpenRequest | null = null;
  const close = async (isUrgent = false): Promise<void> => {
    const last = loaded?.backend;
    loaded = null;
    if (isUrgent) await last?.supervision?.kill?.();
    await last?.close();
  };
  return {
    async open(definition, request) {
      current = request;
      const key = keyOf(definition, request);
      if (loaded?.key === key && (await isFit(loaded, request))) return loaded.backend;
      await close();
      const backend = await definition.open({
        ...request,
        onNotice: (...notice) => current?.onNotice(...notice),
        onRestart: (reason) => current?.onRestart(reason),
        onReload: () => current?.onReload?.(),
        onEngineLoad: (load) => current?.onEngineLoad(load),
      });
      loaded = { key, model: request.model, backend };
      return backend;
    },
    close,
  };
}

/** All that an engine is opened with, but for its model, its form and its place. */
function keyOf({ name }: BackendDefinition, request: OpenRequest): string {
  const { options, workers, conversationTokens, chatTemplate } = request;
  const { allowControlTokens, allowRepetition } = request;
  const allowed = [allowControlTokens, allowRepetition];
  return JSON.stringify([name, options, workers, conversationTokens, chatTemplate, allowed]);
}

async function isFit({ model, backend }: { model: string; backend: Backend }, request: OpenRequest): Promise<boolean> {
  const { form = null } = request;
  if (form !== null && form !== backend.info.form) return false;
  return (await backend.canServe?.(request)) ?? request.model === model;
}
