import { join } from 'node:path';
import { pathsOf } from '../journal/manifest/run-paths.ts';
import type { Snapshot } from '../core/snapshot.ts';
import type { BackendCache } from '../run/choose/backend-cache.ts';
import type { RunHost, RunRequest } from '../run/run-request.ts';
import { openSource } from './plan/sample-input.ts';
import { type Steady, findSteady } from './statistics/steady.ts';
import { timedRun } from './trial/timed-run.ts';
import { tokensOfRequest } from './analysis/tokens-of-request.ts';
import type { TrialSpan } from './trial/windows.ts';

/** What a timed sample says of a whole file. Null: not measured, or not to be said. */
export interface RunEstimate {
  /** Of the file, and of the sample. */
  requests: number;
  sampled: number;
  succeeded: number;
  failed: number;
  /** From the first request sent to the last answer. */
  seconds: number;
  loadMs: number | null;
  /** What a quick look would have promised. */
  first_20_rate: number | null;
  steady: Steady;
  /** Requests per second that the hours are made of: of the steady part, else of the whole sample, which knows no range. */
  rate: number | null;
  hours: { expected: number; low: number | null; high: number | null } | null;
  /** Of the whole file. */
  tokens: { prompt: number | null; completion: number | null };
}

/** Runs so many of a file's requests, for so long at most (null: however long), in `folder` alone, and projects. */
export async function estimateRun(
  request: RunRequest,
  { size, maxMs, folder }: { size: number; maxMs: number | null; folder: string },
  { host, slot }: { host: RunHost; slot: BackendCache },
): Promise<RunEstimate> {
  const input = join(folder, 'sample.jsonl');
  const source = await openSource(request.input, request.settings, { ...host, folder });
  const sampled = Math.min(size, source.requests);
  await source.write(input, sampled);
  await source.close();
  const output = join(folder, 'sample.results.jsonl');
  const { span, snapshot } = await timedRun(sampleRequest(request, { input, output }), maxMs, { host, slot });
  return projectionOf({ requests: source.requests, sampled }, span, snapshot);
}

const sampleRequest = (request: RunRequest, { input, output }: { input: string; output: string }): RunRequest => ({
  ...request,
  input,
  paths: pathsOf(output),
  settings: { ...request.settings, format: 'jsonl', limit: null, sample: null },
  runner: { ...request.runner, order: 'completion', strict: false },
  overwrite: false,
});

function projectionOf(
  counts: { requests: number; sampled: number },
  { windows, seconds, first_20_rate }: TrialSpan,
  { progress, times, tokens }: Snapshot,
): RunEstimate {
  const { succeeded, failed } = progress;
  const each = tokensOfRequest({ tokens, succeeded, failed });
  const steady = findSteady(windows);
  const rate = steady.rate ?? (seconds > 0 && succeeded > 0 ? succeeded / seconds : null);
  // A request that fails is done too.
  const answers = (counts.requests * succeeded) / (succeeded + failed);
  const hoursAt = (perSecond: number | null): number | null =>
    perSecond === null || perSecond <= 0 ? null : answers / perSecond / 3600;
  const expected = hoursAt(rate);
  const ofAll = (tokensOfOne: number | null): number | null =>
    tokensOfOne === null ? null : tokensOfOne * counts.requests;
  return {
    ...counts,
    succeeded,
    failed,
    seconds,
    loadMs: times.loadMs,
    first_20_rate,
    steady,
    rate,
    hours: expected === null ? null : { expected, low: hoursAt(steady.high), high: hoursAt(steady.low) },
    tokens: { prompt: ofAll(each.prompt), completion: ofAll(each.completion) },
  };
}
