import { Readable } from 'node:stream';
import { backends } from '../../../src/backends/index.ts';
import { type AnswerSettings, defaultRunnerSettings } from '../../../src/core/settings.ts';
import { pathsOf } from '../../../src/journal/manifest/run-paths.ts';
import { createBackendCache } from '../../../src/run/choose/backend-cache.ts';
import { startRun } from '../../../src/run/start-run.ts';
import type { Store } from '../../../src/serve/store/store.ts';
import { mockSettings } from '../../helpers/start-run.ts';

/** Runs a batch on the mock engine, as the queue of a server does; `limit` leaves the lines behind it without a result. */
export async function runBatchOnMock(
  store: Store,
  id: string,
  { options = {}, limit = null }: { options?: AnswerSettings['options']; limit?: number | null } = {},
): Promise<void> {
  const { input, results } = store.batches.pathsOf(id);
  const cache = createBackendCache();
  const { signal } = new AbortController();
  try {
    await startRun(
      {
        input,
        spool: null,
        paths: pathsOf(results),
        settings: { ...mockSettings, options, limit, format: 'jsonl', allowTruncated: true },
        runner: { ...defaultRunnerSettings, order: 'completion', retries: 0, maxErrorRate: 1 },
        allowDrift: true,
        retryFailed: 'transient',
        overwrite: false,
      },
      {
        backends,
        environment: {},
        stdin: Readable.from([]),
        onResults: null,
        isListed: false,
        notify: () => {},
        onStart: () => {},
        stop: signal,
        abort: signal,
      },
      cache,
    );
  } finally {
    await cache.close();
  }
}
