import { batchObject } from './batches/batch-object.ts';
import { validateBatch } from './batches/validate-batch.ts';
import { writeBatchFiles } from './batches/write-files.ts';
import { type Access, createAccess } from './http/access.ts';
import { createHttpServer } from './http/http-server.ts';
import { loginRoutes } from './http/login.ts';
import type { Route } from './http/route.ts';
import { type ServerMetrics, createServerMetrics } from './metrics/server-metrics.ts';
import { type NewQueue, createBatchQueue } from './queue/create-queue.ts';
import { batchRoutes } from './routes/batches.ts';
import { eventsRoutes } from './routes/events.ts';
import { fileRoutes } from './routes/files.ts';
import { healthRoute } from './routes/health.ts';
import { metricsRoutes } from './routes/metrics.ts';
import { modelRoutes } from './routes/models.ts';
import { pageRoutes } from './routes/page.ts';
import { queueRoutes } from './routes/queue.ts';
import type { ServeOptions } from './serve-options.ts';
import type { BatchRecord } from './store/batch-record.ts';
import { keepClean } from './store/clean-up.ts';
import { openStore } from './store/open-store.ts';
import type { Store } from './store/store.ts';

/** A server that takes requests and runs batches. */
export interface BatchServer {
  /** `http://127.0.0.1:4080`. */
  readonly url: string;
  /**
   * Takes no more requests, and stops the running batch: what is in flight may end, or with `isUrgent`, also in a second call,
   * ends now. Resolves when all is on disk and the engine is closed.
   */
  close: (isUrgent: boolean) => Promise<void>;
}

/**
 * Opens the folder, listens, and goes on with the batches that are not over. Throws a `JournalError` where another server has the
 * folder, and a `UsageError` where it can't listen.
 */
export async function startServer(options: ServeOptions): Promise<BatchServer> {
  const store = await openStore(options.folder, options.notify);
  try {
    const metrics = createServerMetrics();
    const queue = queueOf(store, metrics, options);
    const access = createAccess(options);
    const routes = routesOf(options, { store, queue, metrics, access });
    const { host, port, notify } = options;
    const http = await createHttpServer({ host, port, access, routes, notify });
    const stopCleaning = keepClean(store, notify);
    queue.start();
    let closing: Promise<void> | null = null;
    const closeAll = async (): Promise<void> => {
      stopCleaning();
      await Promise.all([http.close(), queue.close(false)]);
      await store.close();
    };
    return {
      url: http.url,
      close(isUrgent) {
        closing ??= closeAll();
        if (isUrgent) void queue.close(true);
        return closing;
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

function queueOf(store: Store, { onEvent }: ServerMetrics, options: ServeOptions): NewQueue {
  const { settings, isLenient } = options;
  return createBatchQueue({
    store,
    options,
    steps: {
      validate: (record, signal) => validateBatch(record, { store, settings, isLenient, signal }),
      writeFiles: ({ id }, signal) => writeBatchFiles(id, { store, settings, signal }),
    },
    onEvent,
    now: Date.now,
  });
}

/** What answers the requests of a server. */
interface Parts {
  store: Store;
  queue: NewQueue;
  metrics: ServerMetrics;
  access: Access;
}

function routesOf({ maxFileBytes, settings, notify }: ServeOptions, { store, queue, metrics, access }: Parts): Route[] {
  const { files, batches } = store;
  const describe = (record: BatchRecord) => batchObject(record, queue);
  const known = (): string[] => [settings.model, queue.state().loadedModel].filter((model) => model !== null);
  const listModels = async (): Promise<string[]> => [
    ...new Set([...known(), ...batches.list().flatMap(({ models }) => models)]),
  ];
  return [
    healthRoute,
    ...pageRoutes(),
    ...loginRoutes(access),
    ...fileRoutes({ files, maxFileBytes }),
    ...batchRoutes({ store, queue, notify }),
    ...eventsRoutes({ queue, batches, describe }),
    ...queueRoutes({ queue, batches, describe }),
    ...modelRoutes(listModels),
    ...metricsRoutes({ metrics, queue, batches }),
  ];
}
