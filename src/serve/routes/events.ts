import type { ServerResponse } from 'node:http';
import { createDeferred } from '../../async/deferred.ts';
import { snapshotToWire } from '../../core/snapshot.ts';
import { ApiError } from '../http/api-error.ts';
import type { Route } from '../http/route.ts';
import type { BatchQueue } from '../queue/batch-queue.ts';
import { type BatchRecord, isOver } from '../store/batch-record.ts';
import type { BatchStore } from '../store/store.ts';

interface EventsDeps {
  queue: Pick<BatchQueue, 'state' | 'snapshotOf' | 'subscribe'>;
  batches: Pick<BatchStore, 'find'>;
  /** A batch as clients get it. */
  describe: (record: BatchRecord) => { llmbatch: object };
  /** Milliseconds between two `progress` events, and between two signs of life. */
  progressMs?: number;
  heartbeatMs?: number;
  /** Clients that may listen at a time; each takes a connection and a timer. */
  maxListeners?: number;
}

/**
 * `GET /v1/batches/:id/events`: server-sent events of one batch, until it is over. `event: batch` has the Batch, at once and at each
 * change of its state; `event: progress` has the one object of `--progress json`, each second while the batch runs, with
 * `"final": true` at its end. A comment each 15 seconds keeps proxies from closing a silent connection. 404 where there is no such
 * batch, 503 where too many listen.
 */
export function eventsRoutes(deps: EventsDeps): Route[] {
  const { batches, maxListeners = 100 } = deps;
  let listeners = 0;
  return [
    {
      method: 'GET',
      path: '/v1/batches/:id/events',
      async handle({ message, params: { id = '' }, signal }, response) {
        if (batches.find(id) === null) throw new ApiError(404, `there is no batch ${id}`, { param: 'batch_id' });
        if (listeners >= maxListeners)
          throw new ApiError(
            503,
            `${maxListeners} clients listen already, which is the maximum: use GET /v1/batches/${id} instead`,
          );
        response.writeHead(200, { 'Content-Type': 'text/event-stream' });
        if (message.method === 'HEAD') {
          response.end();
          return;
        }
        listeners++;
        try {
          await follow(id, deps, { response, signal });
        } finally {
          listeners--;
        }
      },
    },
  ];
}

/** Tells of a batch until it is over, or the signal. */
function follow(
  id: string,
  { queue, batches, describe, progressMs = 1000, heartbeatMs = 15_000 }: EventsDeps,
  { response, signal }: { response: ServerResponse; signal: AbortSignal },
): Promise<void> {
  const ended = createDeferred<void>();
  let told = '';

  const tell = (event: string, data: object): void => {
    response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  };
  const tellProgress = (final: boolean): void => {
    const snapshot = queue.snapshotOf(id);
    // A client that reads slower than this misses some.
    if (snapshot === null || response.writableNeedDrain) return;
    tell('progress', { title: id, final, ...snapshotToWire(snapshot) });
  };
  const tellBatch = (): void => {
    const record = batches.find(id);
    if (record === null) {
      end();
      return;
    }
    const batch = describe(record);
    const state = stateOf(batch);
    if (state === told) return;
    told = state;
    if (isOver(record)) tellProgress(true);
    tell('batch', batch);
    if (isOver(record)) end();
  };
  const timers = [
    setInterval(() => queue.state().running === id && tellProgress(false), progressMs),
    // What a client that does not read was sent is kept in memory.
    setInterval(() => response.writableNeedDrain || response.write(': the connection is alive\n\n'), heartbeatMs),
  ];
  const unsubscribe = queue.subscribe((changed) => {
    if (changed === id || changed === null) tellBatch();
  });
  function end(): void {
    for (const timer of timers) clearInterval(timer);
    unsubscribe();
    signal.removeEventListener('abort', end);
    response.end();
    ended.resolve();
  }
  signal.addEventListener('abort', end);
  if (signal.aborted) end();
  else tellBatch();
  return ended.promise;
}

/** What of a batch is its state: its counts change with each result, and are in its progress. */
const stateOf = (batch: { llmbatch: object }): string =>
  JSON.stringify({ ...batch, request_counts: null, usage: null, llmbatch: { ...batch.llmbatch, progress: null } });
