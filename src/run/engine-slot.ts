import type { Backend, BackendDefinition, OpenRequest } from '../core/backend.ts';

/** Holds the one model that is loaded, so that the inputs of a queue share it. */
export interface EngineSlot {
  /** The loaded engine where it is the same, else a new one in its place. */
  open: (definition: BackendDefinition, request: OpenRequest) => Promise<Backend>;
  close: () => Promise<void>;
}

export function createEngineSlot(): EngineSlot {
  let loaded: { key: string; backend: Backend } | null = null;
  /** What an engine says goes to the run that has it now. */
  let current: OpenRequest | null = null;
  const close = async (): Promise<void> => {
    const last = loaded;
    loaded = null;
    await last?.backend.close();
  };
  return {
    async open(definition, request) {
      current = request;
      const { model, options, workers, conversationTokens, allowControlTokens } = request;
      const { host, baseUrl, python, gpus } = request;
      const place = { host, baseUrl, python, gpus };
      const key = JSON.stringify([
        definition.name,
        model,
        options,
        workers,
        conversationTokens,
        allowControlTokens,
        place,
      ]);
      if (loaded?.key === key && ((await loaded.backend.suits?.(request)) ?? true)) return loaded.backend;
      await close();
      const backend = await definition.open({
        ...request,
        onNotice: (text) => current?.onNotice(text),
        onRestart: (reason) => current?.onRestart(reason),
      });
      loaded = { key, backend };
      return backend;
    },
    close,
  };
}
