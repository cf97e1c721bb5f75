import { join } from 'node:path';
import type { ErrorCounts } from '../core/snapshot.ts';
import { pathsOf } from '../journal/manifest/run-paths.ts';
import type { BackendCache } from '../run/choose/backend-cache.ts';
import { namesOfAsked } from '../run/choose/server-names.ts';
import type { RunHost, RunRequest } from '../run/run-request.ts';
import { measure } from './analysis/analyse.ts';
import { type Estimate, project } from './analysis/project.ts';
import { openSource } from './plan/sample-input.ts';
import type { TrialRecord, TrialSpec } from './records/records.ts';
import type { Steady } from './statistics/steady.ts';
import { type Stopped, timedRun } from './trial/timed-run.ts';
import { finishedRecord } from './trial/trial-record.ts';
import { watchTrial } from './trial/watch-trial.ts';

/** Estimate of a whole file from a timed sample; a number is null where it was not measured. */
export interface RunEstimate extends Pick<TrialRecord, 'succeeded' | 'failed' | 'seconds' | 'first20Rate'> {
  /** Requests of the file, and of the sample. */
  requests: number;
  sampled: number;
  /** Short names of the servers that shared the sample; absent where there were not several. */
  servers?: string[];
  /** What failed in the sample. */
  errors: ErrorCounts;
  loadMs: number | null;
  steady: Steady;
  /** Requests per second that the hours are made of: of the steady part, else of the whole sample. */
  rate: number | null;
  hours: Estimate['hours'];
  /** Tokens of the whole file. */
  tokens: { prompt: number | null; completion: number | null };
  /** The sample was stopped at its limit of time, before its end. */
  isTimeOver: boolean;
  /** What was in flight when the sample was stopped, and is no part of the numbers above; null where nothing was. */
  unfinished: Unfinished | null;
}

/** Requests that were in flight when a sample was stopped. */
interface Unfinished {
  requests: number;
  /** Tokens that their answers had; null where the engine told of none. */
  tokens: number | null;
  /** Time since the first request of the sample was sent. */
  seconds: number;
  /** Hours of the whole file if no request takes longer than these have so far; null where answers tell more. */
  minHours: number | null;
}

/**
 * A bench of one trial: so many requests of a file, for so long at most, in `folder` alone. What is in flight then is cut
 * off: no answer is waited for.
 */
export async function estimateRun(
  request: RunRequest,
  { size, maxMs, folder }: { size: number; maxMs: number; folder: string },
  { host, cache }: { host: RunHost; cache: BackendCache },
): Promise<RunEstimate> {
  const source = await openSource(request.input, request.settings, {
    ...host,
    // The run of the sample tells it.
    notify: () => undefined,
    folder,
    given: request.given,
    shard: request.shard,
  });
  const files = { input: join(folder, 'sample.jsonl'), output: join(folder, 'sample.results.jsonl') };
  const sampled = Math.min(size, source.requests);
  await source.write(files.input, sampled, { order: 'spread' });
  await source.close();
  const { record, isTimeOver, stopped } = await runSample(
    sampleRequest(request, files),
    { sampled, maxMs },
    { host, cache },
  );
  const trial = measure(record);
  const [projection] = project({ trial, baseline: null }, [source.requests], { in: null, out: null });
  const { hours = null, promptTokens = null, completionTokens = null } = projection?.estimate ?? {};
  const { succeeded, failed, seconds, first20Rate, summary } = record;
  const servers = namesOfAsked(host.backends, request.settings.backend, request.runner.connections);
  return {
    requests: source.requests,
    sampled,
    ...(servers.length > 0 && { servers }),
    succeeded,
    failed,
    seconds,
    errors: summary.errors,
    loadMs: summary.times.loadMs,
    first20Rate,
    steady: trial.steady,
    rate: trial.steady.rate ?? trial.steady.rough?.rate ?? null,
    hours,
    tokens: { prompt: promptTokens, completion: completionTokens },
    isTimeOver,
    unfinished: unfinishedOf(stopped, record, source.requests),
  };
}

function unfinishedOf(stopped: Stopped | null, { succeeded }: TrialRecord, all: number): Unfinished | null {
  if (stopped === null) return null;
  const { snapshot, seconds } = stopped;
  const { inFlight: requests, tokensInFlight: tokens } = snapshot.progress;
  if (requests === 0) return null;
  const minHours = succeeded > 0 ? null : (Math.ceil(all / requests) * seconds) / 3600;
  return { requests, tokens, seconds, minHours };
}

const sampleRequest = (request: RunRequest, { input, output }: { input: string; output: string }): RunRequest => ({
  ...request,
  input,
  paths: pathsOf(output),
  settings: { ...request.settings, format: 'jsonl', limit: null, sample: null },
  // The sample was taken from the shard.
  shard: null,
  runner: { ...request.runner, order: 'completion', strict: false, drainTimeoutMs: 0 },
  overwrite: false,
});

async function runSample(
  request: RunRequest,
  { sampled, maxMs }: { sampled: number; maxMs: number },
  context: { host: RunHost; cache: BackendCache },
): Promise<{ record: TrialRecord; isTimeOver: boolean; stopped: Stopped | null }> {
  const { settings, runner } = request;
  const watch = watchTrial();
  const startedAt = new Date();
  try {
    const limits = { maxMs, enough: null };
    const { snapshot, isTimeOver, stopped } = await timedRun(request, { limits, watch }, context);
    const strategy = settings.mode === 'conversation' ? 'conversation' : 'independent';
    const { backend, options } = settings;
    const point: Omit<TrialSpec, 'number' | 'repeat' | 'batch'> = {
      backend,
      model: settings.model ?? '',
      workers: runner.workers,
      size: sampled,
      strategy,
      options,
    };
    const facts = { loaded: null, vramLoaded: null, vramAfter: null, loads: 0, servers: [] };
    const spec = { ...point, number: 1, repeat: 1, batch: null };
    const record = finishedRecord(spec, { startedAt, samples: watch.read(), snapshot, ...facts });
    return { record, isTimeOver, stopped };
  } finally {
    watch.stop();
  }
}
