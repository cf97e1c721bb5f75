import { UsageError } from '../core/errors.ts';
import { checkDrift } from './check-drift.ts';
import { checkInput, tellMisspeltKeys } from './check-input.ts';
import type { BackendCache } from './choose/backend-cache.ts';
import { describeOtherServers } from './choose/other-servers.ts';
import { type Engines, createEngines } from './engines.ts';
import { hasNoResults, lockRunFiles } from './files/run-files.ts';
import { runGroups } from './run-groups.ts';
import { followHours } from './live/follow-hours.ts';
import { refuseConversation, reuseFlags } from './repeats.ts';
import { type ReuseSources, openReuseSources } from './reuse/reuse-sources.ts';
import { createReuse } from './reuse/reuse.ts';
import { type RunOutput, openRunOutput } from './run-output.ts';
import { listenLive } from './live/listen-live.ts';
import type { RunHost, RunOutcome, RunRequest } from './run-request.ts';
import { type Run, openRun } from './run.ts';

/**
 * Runs one input to its output, or goes on with it: the one place that joins the stages. Resolves when all requests have
 * a result, or when the run was stopped; rejects with an `LlmbatchError` when it can't go on. Whatever happens, what was
 * acknowledged is on disk, and the same call goes on from there.
 */
export async function startRun(request: RunRequest, host: RunHost, cache: BackendCache): Promise<RunOutcome> {
  const files = await lockRunFiles(request);
  let run: Run | null = null;
  try {
    run = await openRun(request, host, files);
    host.onControl?.(run.control);
    try {
      return await runToItsEnd(run, createEngines(run, cache));
    } finally {
      await run.close();
    }
  } catch (error) {
    // A mistake of the user's before the first answer leaves nothing behind.
    const isFirst = (run !== null && hasOnlyRejected(run)) || (await hasNoResults(request.paths));
    if (error instanceof UsageError && isFirst) await files.removeNew(host.environment);
    throw error;
  } finally {
    await files.release();
  }
}

/** Says whether a new run has recorded nothing but the lines of its input that are no requests. */
function hasOnlyRejected({ origin, meter }: Run): boolean {
  const { progress, errors } = meter.snapshot();
  return origin.isNew && progress.done === (errors.byKind.input ?? 0);
}

async function runToItsEnd(run: Run, engines: Engines): Promise<RunOutcome> {
  checkInput(run);
  await tellMisspeltKeys(run);
  const otherServers = otherServersOf(run);
  const drift = await checkDrift(run, engines);
  const sources = await openSources(run, engines);
  try {
    const isOurs = run.replacement === null || (await takePlace(run, engines));
    if (!isOurs) return outcomeOf(run, { state: 'stopped' });
    const output = await openRunOutput(run);
    if (output === null) return { ...outcomeOf(run, { state: 'finished' }), isUntouched: true };
    if (drift.length > 0)
      run.notify({
        topic: 'manifest',
        text: `changed since the last session, as the manifest records: ${drift.join('; ')}`,
      });
    if (otherServers !== null) run.notify({ topic: 'engine', text: otherServers });
    await answerAll(run, output, { engines, sources });
    return outcomeOf(run);
  } finally {
    await sources?.close();
  }
}

/** The outputs that answers are taken from; null where that is not asked for. */
async function openSources(run: Run, engines: Engines): Promise<ReuseSources | null> {
  const { runner, settings } = run.request;
  const flags = reuseFlags(runner);
  if (flags === null) return null;
  refuseConversation(flags, settings);
  run.checkRepeats(flags, await engines.choose(), run.notify);
  return openReuseSources(run);
}

async function answerAll(
  run: Run,
  output: RunOutput,
  { engines, sources }: { engines: Engines; sources: ReuseSources | null },
): Promise<void> {
  try {
    await output.begin();
    run.show();
    await runWhileHeard(run, output.journal.flush, async () => {
      await runGroups(run, output, { engines, reuse: sources && createReuse(run, output.journal, sources) });
      // Who watches sees the last results too.
      await output.journal.flush();
    });
    await output.finish();
  } catch (error) {
    throw await output.noteFailure(error);
  } finally {
    await output.close();
  }
}

/** Other servers than before are no other settings: with the same model the answers are as good. */
const otherServersOf = ({ origin, manifest, request: { runner }, host }: Run): string | null =>
  origin.isNew || origin.isAdopted
    ? null
    : describeOtherServers(manifest.runner.connections, runner.connections, host.backends);

/** Does the work while others can ask and change the run; nobody can a sample, or a trial. */
async function runWhileHeard(run: Run, flush: () => Promise<void>, work: () => Promise<void>): Promise<void> {
  const { request, host, control, meter } = run;
  if (host.isListed === false) return work();
  const { environment, notify } = host;
  const socket = await listenLive({
    output: request.paths.output,
    environment,
    control,
    snapshot: meter.snapshot,
    flush,
    notify,
  });
  const { hours } = request.runner;
  const leaveHours = hours === null ? null : followHours(hours, (until) => control.setHours(hours, until));
  try {
    await work();
  } finally {
    leaveHours?.();
    await socket.close();
  }
}

const outcomeOf = ({ request, manifest, meter }: Run, changes: Partial<Run['manifest']> = {}): RunOutcome => ({
  manifest: { ...manifest, ...changes },
  paths: request.paths,
  snapshot: meter.snapshot(),
  isUntouched: false,
});

/**
 * Takes the place of an earlier run (`--overwrite`). The engine is opened before anything of that run is touched: a mistake
 * in its name or address costs nothing. False where the run was stopped meanwhile, and nothing was touched.
 */
async function takePlace(run: Run, engines: Engines): Promise<boolean> {
  run.show();
  await engines.openFirst();
  if (run.stop.aborted) {
    const text =
      'stopped before anything was sent: what was there is as it was. To start this run: the same command again';
    run.notify({ topic: 'stopped', text });
    return false;
  }
  await run.replacement?.take(run.manifest);
  return true;
}
