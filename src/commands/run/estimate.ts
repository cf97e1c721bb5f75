import { type RunEstimate, estimateRun } from '../../bench/estimate-run.ts';
import type { BackendDefinition } from '../../core/backend.ts';
import { exitCodes } from '../../core/errors.ts';
import { snakeKeys } from '../../text/snake-keys.ts';
import { createBackendCache } from '../../run/choose/backend-cache.ts';
import type { RunHost, RunRequest } from '../../run/run-request.ts';
import type { ProgressMode } from '../../progress/index.ts';
import type { AskedSample } from '../shared/parse-values.ts';
import { headingOf } from './heading.ts';
import { watchInterrupts } from '../shared/interrupts.ts';
import { withScratchFolder } from '../shared/scratch-paths.ts';
import { createScreen } from '../shared/screen.ts';
import { printJsonObject, printWrapped } from '../shared/print.ts';
import { describeEstimate } from './describe-estimate.ts';

const usualSample = { size: 200, maxMs: 60_000 };
/** Requests of a sample whose time is given, at most: a fast engine would go through a file of millions. */
const maxSize = 10_000;

interface EstimateOptions {
  backends: readonly BackendDefinition[];
  /** Null: as usual. */
  asked: AskedSample | null;
  json: boolean;
  progress: ProgressMode;
  verbose: boolean;
}

/**
 * `run --estimate`: a timed sample of each input, and what the whole of it would take. Writes nothing. However long
 * answers are, it ends when its time is over.
 */
export async function estimate(
  requests: readonly RunRequest[],
  { backends, asked, json, progress, verbose }: EstimateOptions,
): Promise<number> {
  const sample = sampleOf(asked);
  const cache = createBackendCache();
  const screen = createScreen(progress, verbose);
  let hasAnswers = true;
  const interrupts = watchInterrupts(() => screen.note('stopping: the estimate is made of what is there'));
  try {
    for (const request of requests) {
      const host: RunHost = {
        backends,
        environment: process.env,
        stdin: process.stdin,
        stop: interrupts.stop,
        abort: interrupts.abort,
        notify: screen.notify,
        onStart: (snapshot) => screen.start(snapshot, `${headingOf(request)}: a sample`),
        onResults: null,
      };
      const found = await withScratchFolder((folder) =>
        estimateRun(request, { ...sample, folder }, { host, cache }),
      ).finally(screen.close);
      hasAnswers &&= found.succeeded > 0;
      if (json) await printJsonObject(toWire(request, found));
      else await printWrapped(describeEstimate(headingOf(request), found));
      if (interrupts.stop.aborted) break;
    }
    return interrupts.exitCode() ?? (hasAnswers ? exitCodes.ok : exitCodes.someFailed);
  } finally {
    screen.close();
    await cache.close();
    interrupts.close();
    process.stdin.destroy();
  }
}

function sampleOf(asked: AskedSample | null): typeof usualSample {
  if (asked === null) return usualSample;
  return 'ms' in asked ? { size: maxSize, maxMs: asked.ms } : { ...usualSample, size: asked.requests };
}

const toWire = ({ input, shard = null }: RunRequest, { first20Rate, errors, ...found }: RunEstimate): object => ({
  input,
  shard,
  ...(snakeKeys(found) as object),
  failures: errors.failures,
  first_20_rate: first20Rate,
});
