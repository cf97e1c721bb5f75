import type { Backend, BackendDefinition, OpenRequest } from '../core/backend.ts';
import { EngineError } from '../core/errors.ts';
import { failure } from '../core/completion.ts';

/**
 * An engine that is opened for each request and closed behind it: what asking a cold model means to an engine that has no
 * word for unloading. One request at a time.
 */
export async function cycledBackend(definition: BackendDefinition, request: OpenRequest): Promise<Backend> {
  const first = await definition.open(request);
  await first.close();
  let current: Backend | null = null;
  return {
    ...factsOf(first),
    pid: () => current?.pid?.() ?? null,
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

const factsOf = ({ model, modelDigest, version, loadMs, limits, server, usesLocalGpus }: Backend) => ({
  model,
  modelDigest,
  version,
  loadMs,
  limits,
  ...(server === undefined ? {} : { server }),
  ...(usesLocalGpus === undefined ? {} : { usesLocalGpus }),
});
