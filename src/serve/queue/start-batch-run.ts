import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Emit, Notify } from '../../core/events.ts';
import type { Snapshot } from '../../core/snapshot.ts';
import { pathsOf } from '../../journal/manifest/run-paths.ts';
import type { BackendCache } from '../../run/choose/backend-cache.ts';
import type { RunControl } from '../../run/live/run-control.ts';
import type { RunHost, RunRequest } from '../../run/run-request.ts';
import { startRun } from '../../run/start-run.ts';
import type { ServeOptions } from '../serve-options.ts';
import type { BatchRecord } from '../store/batch-record.ts';
import type { Store } from '../store/store.ts';
import { chooseRoute } from './choose-route.ts';

/** What the run of a batch needs beside the batch. */
export interface BatchRunContext {
  store: Store;
  options: Pick<ServeOptions, 'backends' | 'environment' | 'routes' | 'settings' | 'runner'>;
  cache: BackendCache;
  /** Failed lines do not stop the run, however many there are: they are the client's own. */
  toleratesFailures: boolean;
  /** What failed for a passing reason is sent again, since the engine itself was at fault. */
  retriesFailed: boolean;
  /** What is in flight may end, and the batch goes on later. */
  stop: AbortSignal;
  /** Everything ends now. */
  abort: AbortSignal;
  notify: Notify;
  onStart: (snapshot: () => Snapshot) => void;
  onControl: (control: RunControl) => void;
  onEvent: Emit;
}

/**
 * Runs a batch, or goes on with it: as an ordinary run, whose output is the journal of the batch. Throws what a run throws.
 */
export async function startBatchRun(
  record: BatchRecord,
  context: BatchRunContext,
): Promise<{ isFinished: boolean; snapshot: Snapshot }> {
  const { options, stop, abort, notify, onStart, onControl, onEvent } = context;
  const { backends, environment } = options;
  const host: RunHost = {
    backends,
    environment,
    stdin: Readable.from([]),
    onResults: null,
    isListed: false,
    stop,
    abort,
    notify,
    onStart,
    onControl,
    onEvent,
  };
  const { manifest, snapshot } = await startRun(requestOf(record, context), host, context.cache);
  return { isFinished: manifest.state === 'finished', snapshot };
}

function requestOf({ id, models }: BatchRecord, context: BatchRunContext): RunRequest {
  const { store, options, toleratesFailures, retriesFailed } = context;
  const { settings, runner, routes } = options;
  const { input, results } = store.batches.pathsOf(id);
  const backend = chooseRoute(models, routes, settings.backend);
  return {
    input,
    spool: null,
    // An engine stays loaded from one batch to the next, and writes one log.
    paths: { ...pathsOf(results), engineLog: join(store.folder, 'engine.log') },
    settings: { ...settings, backend, format: 'jsonl', allowTruncated: true },
    runner: { ...runner, order: 'completion', ...(toleratesFailures && { maxErrorRate: 1 }) },
    // The server may have been started with other settings since.
    allowDrift: true,
    // A failed request has had its retries, and its line: a batch that was paused, gave way or was killed sends none again.
    retryFailed: retriesFailed ? 'transient' : 'none',
    overwrite: false,
  };
}
