import { join } from 'node:path';
import { readdir, rm } from 'node:fs/promises';
import { EngineError, JournalError, LlmbatchError, stopsTheRun } from '../../core/errors.ts';
import { findBackend } from '../../run/choose/choose-backend.ts';
import { namesOfSeveral } from '../../run/choose/server-names.ts';
import type { RunHost } from '../../run/run-request.ts';
import { type BenchPaths, inputOf, outputNameOf, trialPrefix, warmUpInput } from '../records/bench-paths.ts';
import type { TrialBase } from '../records/environment.ts';
import type { TrialRecord, TrialSpec } from '../records/records.ts';
import { type TimeLimits, timedRun } from './timed-run.ts';
import type { TrialBackend } from './trial-backend.ts';
import { failedRecord, finishedRecord } from './trial-record.ts';
import { trialRequest } from './trial-request.ts';
import { type TrialWatch, watchTrial } from './watch-trial.ts';

/** What the trials of a bench are run with. */
export interface TrialContext {
  base: TrialBase;
  paths: BenchPaths;
  backend: TrialBackend;
  host: RunHost;
  /** GPU memory in use, in bytes. */
  usedVram: () => Promise<number | null>;
}

/** How a trial ended. */
export interface TrialOutcome {
  record: TrialRecord;
  /** Its engine can't be used at all (no such model, no access): its other trials would fail alike. */
  isUnusable: boolean;
}

/**
 * Runs a trial from its beginning and takes away what an earlier attempt left. Null: the bench was stopped, and it is
 * to be run anew. Throws JournalError where results can't be written.
 */
export async function runTrial(
  spec: TrialSpec,
  context: TrialContext,
  limits: TimeLimits | null,
): Promise<TrialOutcome | null> {
  await removeTrial(spec, context.paths);
  const outcome = await runOrFail(spec, context, limits);
  if (outcome === null) await removeTrial(spec, context.paths);
  return outcome;
}

async function runOrFail(
  spec: TrialSpec,
  context: TrialContext,
  limits: TimeLimits | null,
): Promise<TrialOutcome | null> {
  const { host, backend } = context;
  const watch = watchTrial();
  let startedAt = new Date();
  const openedFirst = backend.opened();
  try {
    await warmUp(spec, context, limits);
    if (host.stop.aborted) return null;
    // A batch finds the model that the one before it used: to load it in the warm-up is a reload too.
    const openedBefore = (spec.batch ?? 1) > 1 ? openedFirst : backend.opened();
    startedAt = new Date();
    const record = await runWarm(spec, context, { watch, startedAt, openedBefore, limits });
    return record && { record, isUnusable: false };
  } catch (error) {
    if (host.stop.aborted) return null;
    // A full disk ends the bench too; a bug is to be seen.
    if (!(error instanceof LlmbatchError) || error instanceof JournalError) throw error;
    await backend.close();
    const record = failedRecord(spec, { startedAt, samples: watch.read(), error: error.message });
    return { record, isUnusable: error instanceof EngineError && stopsTheRun(error.kind) };
  } finally {
    watch.stop();
  }
}

interface Begun {
  watch: TrialWatch;
  startedAt: Date;
  openedBefore: number;
  limits: TimeLimits | null;
}

async function runWarm(spec: TrialSpec, context: TrialContext, begun: Begun): Promise<TrialRecord | null> {
  const { base, paths, backend, host } = context;
  const { watch, startedAt, openedBefore, limits } = begun;
  // The trial before it had the same requests.
  backend.facts()?.backend.inspection?.clearPromptCache?.();
  const vramLoaded = spec.strategy === 'baseline' ? null : await context.usedVram();
  const files = { input: inputOf(paths, spec.size), output: join(paths.folder, outputNameOf(spec)) };
  const request = trialRequest(spec, base, files, host.backends);
  const run = { host: withoutRepeats(host), cache: backend };
  const { snapshot, manifest, isTimeOver } = await timedRun(request, { limits, watch }, run);
  if (host.stop.aborted || (manifest.state !== 'finished' && !isTimeOver)) return null;
  return finishedRecord(spec, {
    startedAt,
    samples: watch.read(),
    snapshot,
    loads: backend.opened() - openedBefore,
    loaded: backend.facts(),
    vramLoaded,
    vramAfter: await context.usedVram(),
    servers: namesOfSeveral(findBackend(host.backends, spec.backend), base.runner.connections),
  });
}

/**
 * A few requests, other ones than the trial's, load the model and wake what sleeps. None where each finds a cold model.
 */
async function warmUp(
  spec: TrialSpec,
  { base, paths, backend, host }: TrialContext,
  limits: TimeLimits | null,
): Promise<void> {
  if (spec.strategy === 'baseline') return;
  const output = join(paths.folder, 'outputs', `${trialPrefix(spec)}warm-up.jsonl`);
  const request = trialRequest(spec, base, { input: warmUpInput(paths), output }, host.backends);
  const limit = Math.min(maxWarmUp, Math.max(minWarmUp, 2 * (spec.workers ?? 0)));
  const few = { ...request, settings: { ...request.settings, limit } };
  // A few requests of a slow engine may take longer than its trials can: the time to warm up is a part of that of the
  // trial.
  const ofWarmUp = limits && { maxMs: warmUpShare * limits.maxMs, enough: null };
  const run = { host: { ...withoutRepeats(host), onStart: () => {} }, cache: backend };
  await timedRun(few, { limits: ofWarmUp, watch: null }, run);
  await removeTrial(spec, paths);
}

/**
 * The strategy stands in the name of the trial, and no other one was asked for. What there is to be told of the template was
 * told when the input was read.
 */
const withoutRepeats = (host: RunHost): RunHost => ({
  ...host,
  notify: (notice) => notice.topic === 'mode' || notice.topic === 'template' || host.notify(notice),
});

/** Requests of a warm-up: two for each worker, within these. */
const minWarmUp = 8;
export const maxWarmUp = 32;
const warmUpShare = 0.25;

async function removeTrial(spec: TrialSpec, { folder }: BenchPaths): Promise<void> {
  const outputs = join(folder, 'outputs');
  const names = await readdir(outputs).catch(() => []);
  const ours = names.filter((name) => name.startsWith(trialPrefix(spec)));
  await Promise.all(ours.map((name) => rm(join(outputs, name), { force: true })));
}
