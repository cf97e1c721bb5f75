import { join } from 'node:path';
import { readdir, rm } from 'node:fs/promises';
import { JournalError, LlmbatchError } from '../../core/errors.ts';
import type { RunHost, RunOutcome, RunRequest } from '../../run/run-request.ts';
import { startRun } from '../../run/start-run.ts';
import { type BenchPaths, inputOf, outputNameOf, trialPrefix, warmUpInput } from '../records/bench-paths.ts';
import type { TrialBackend } from './bench-slot.ts';
import type { TrialRecord, TrialSpec } from '../records/records.ts';
import { failedRecord, finishedRecord } from './trial-record.ts';
import type { TrialBase } from '../records/environment.ts';
import { trialRequest } from './trial-request.ts';
import { type TrialWatch, watchTrial } from './watch-trial.ts';

/** What a trial is run with. */
export interface TrialDesk {
  base: TrialBase;
  paths: BenchPaths;
  slot: TrialBackend;
  host: RunHost;
  usedVram: () => Promise<number | null>;
}

/** Runs a trial from its beginning, whatever an earlier attempt left. Null: it was stopped, and is to be run anew. */
export async function runTrial(spec: TrialSpec, desk: TrialDesk): Promise<TrialRecord | null> {
  await removeTrial(spec, desk.paths);
  const record = await measure(spec, desk);
  if (record === null) await removeTrial(spec, desk.paths);
  return record;
}

async function measure(spec: TrialSpec, desk: TrialDesk): Promise<TrialRecord | null> {
  const { host, slot } = desk;
  const watch = watchTrial();
  let startedAt = new Date();
  const openedFirst = slot.opened();
  try {
    await warmUp(spec, desk);
    if (host.stop.aborted) return null;
    // A batch finds the model that the one before it used: to load it in the warm-up is a reload too.
    const openedBefore = (spec.batch ?? 1) > 1 ? openedFirst : slot.opened();
    startedAt = new Date();
    return await runWarm(spec, desk, { watch, startedAt, openedBefore });
  } catch (error) {
    if (host.stop.aborted) return null;
    // A full disk ends the bench too; a bug is to be seen.
    if (!(error instanceof LlmbatchError) || error instanceof JournalError) throw error;
    await slot.close();
    return failedRecord(spec, { startedAt, seen: watch.read(), error: error.message });
  } finally {
    watch.stop();
  }
}

async function runWarm(
  spec: TrialSpec,
  desk: TrialDesk,
  { watch, startedAt, openedBefore }: { watch: TrialWatch; startedAt: Date; openedBefore: number },
): Promise<TrialRecord | null> {
  const { paths, slot } = desk;
  // The trial before it had the same requests.
  slot.facts()?.backend.inspection?.clearPromptCache?.();
  const vramLoaded = spec.strategy === 'baseline' ? null : await desk.usedVram();
  const files = { input: inputOf(paths, spec.size), output: join(paths.folder, outputNameOf(spec)) };
  const outcome = await runUnlisted(trialRequest(spec, desk.base, files, desk.host.backends), desk, watch);
  if (outcome.manifest.state !== 'finished') return null;
  return finishedRecord(spec, {
    startedAt,
    seen: watch.read(),
    outcome,
    loads: slot.opened() - openedBefore,
    loaded: slot.facts(),
    vramLoaded,
    vramAfter: await desk.usedVram(),
  });
}

/** A few requests, other ones than the trial's, load the model and wake what sleeps. None where each finds a cold model. */
async function warmUp(spec: TrialSpec, desk: TrialDesk): Promise<void> {
  if (spec.strategy === 'baseline') return;
  const output = join(desk.paths.folder, 'outputs', `${trialPrefix(spec)}warm-up.jsonl`);
  const files = { input: warmUpInput(desk.paths), output };
  const request = trialRequest(spec, desk.base, files, desk.host.backends);
  const limit = Math.min(maxWarmUp, Math.max(minWarmUp, 2 * (spec.workers ?? 0)));
  const settings = { ...request.settings, limit };
  await runUnlisted({ ...request, settings }, withoutModes(desk), null);
  await removeTrial(spec, desk.paths);
}

/** What a few requests have in common says nothing of the trial. */
const withoutModes = (desk: TrialDesk): TrialDesk => ({
  ...desk,
  host: { ...desk.host, notify: (notice) => notice.topic === 'mode' || desk.host.notify(notice) },
});

const minWarmUp = 8;
export const maxWarmUp = 32;

/** A run that no `resume` or `status` of the user's finds. */
function runUnlisted(request: RunRequest, { host, slot }: TrialDesk, watch: TrialWatch | null): Promise<RunOutcome> {
  const shown = watch === null ? { onStart: () => {} } : { onEvent: watch.onEvent };
  return startRun(request, { ...host, ...shown, isListed: false, usesSaved: false }, slot);
}

async function removeTrial(spec: TrialSpec, { folder }: BenchPaths): Promise<void> {
  const outputs = join(folder, 'outputs');
  const names = await readdir(outputs).catch(() => []);
  const ours = names.filter((name) => name.startsWith(trialPrefix(spec)));
  await Promise.all(ours.map((name) => rm(join(outputs, name), { force: true })));
}
