import { rm } from 'node:fs/promises';
import { messageOf } from '../core/errors.ts';
import type { Manifest } from '../journal/manifest/manifest.ts';
import { openSealKey } from '../journal/manifest/seal.ts';
import { forgetRun, rememberRun } from '../journal/manifest/started-runs.ts';
import { type Journal, openJournal } from '../journal/open-journal.ts';
import { type ManifestKeeper, keepManifest } from './files/open-manifest.ts';
import { endReplacement } from './files/replace-run.ts';
import { shardName } from '../data/shard.ts';
import { formatInteger } from '../text/format.ts';
import { countWanted } from './read-input.ts';
import type { Run } from './run.ts';

/** The files that a run writes: its results, and its manifest as it changes. */
export interface RunOutput {
  readonly journal: Journal;
  /** Writes the manifest for the first time, where `resume` and `status` find it. */
  begin: () => Promise<void>;
  /** Writes the manifest now: what a resume must know of the first answer on, such as the model's weights. */
  save: () => Promise<void>;
  /** All that could be answered is: brings the results into the order of the input, or leaves the run to be resumed. */
  finish: () => Promise<void>;
  /** Notes why the run stopped. Returns the error to throw: that of the files where they failed, else this one. */
  noteFailure: (error: unknown) => Promise<unknown>;
  close: () => Promise<void>;
}

/**
 * Opens the output. From here on it is this run's, and a resume goes on with it. Null where the run was finished before and
 * no request of it is to be tried again: its files stay as they are. Throws a `JournalError`.
 */
export async function openRunOutput(run: Run): Promise<RunOutput | null> {
  const { request, host, manifest, meter, failure } = run;
  host.onTake?.();
  const journal = await openRunJournal(run);
  noteFindings(run, journal);
  // A secret in the manifest on disk does not stay there.
  if (run.origin.wasFinished && manifest.leftOut.length === 0 && isDone(run, journal)) {
    run.emit({ type: 'total-change', total: countWanted(run.input) });
    await journal.close();
    return null;
  }
  manifest.finishedAt = null;
  const keeper = await keepRunManifest(run);
  // Whoever pauses the run, and looks at it then, finds it paused.
  const unsubscribe = run.control.subscribe(() => void keeper.write().catch(run.fail));
  return {
    journal,
    async begin() {
      const { earlierPath } = run.origin;
      await keeper.write();
      if (earlierPath !== null) await rm(earlierPath, { force: true });
      if (host.isListed !== false) await rememberRun(request.paths.manifest, host.environment);
    },
    save: keeper.write,
    async finish() {
      failure.throwIfAborted();
      await journal.flush();
      await finish(run, journal);
    },
    async noteFailure(error) {
      await journal.flush().catch(() => undefined);
      endSession(run, 'stopped', messageOf(failure.reason ?? error));
      return failure.reason ?? error;
    },
    async close() {
      unsubscribe();
      const { failed } = meter.snapshot().progress;
      await endReplacement(manifest, request.paths, { notify: run.notify, failed });
      await keeper.stop();
      await journal.close();
    },
  };
}

function openRunJournal({ request, host, input, meter, fail }: Run): Promise<Journal> {
  return openJournal({
    path: request.paths.output,
    table: input.scan.table,
    fsync: request.runner.fsync,
    retryFailed: request.retryFailed,
    onEarlier: meter.addEarlier,
    onDurable(results) {
      for (const { sample } of results) meter.add({ type: 'result-end', sample });
      return host.onResults?.(results.map(({ bytes }) => bytes));
    },
    onFailure: fail,
  });
}

async function keepRunManifest(run: Run): Promise<ManifestKeeper> {
  const { request, host, manifest, meter, files, fail } = run;
  return keepManifest({
    path: request.paths.manifest,
    // A run that is not listed, such as a sample, leaves nothing that would need a seal.
    sealKey: host.isListed === false ? null : await openSealKey(host.environment),
    current: () => ({ ...manifest, paused: run.control.paused(), input: inputFacts(run), summary: meter.snapshot() }),
    check: files.check,
    onFailure: fail,
  });
}

const isDone = ({ input }: Run, journal: Journal): boolean =>
  input.isComplete() && journal.done() >= countWanted(input);

async function finish(run: Run, journal: Journal): Promise<void> {
  const { request, host, manifest, changedLines } = run;
  if (!isDone(run, journal)) {
    endSession(run, 'stopped', 'interrupted');
    return host.stop.aborted ? undefined : changedLines.check();
  }
  if (request.runner.order === 'input') await journal.finalise();
  manifest.finishedAt = new Date().toISOString();
  endSession(run, 'finished', null);
  await forgetRun(request.paths.manifest, host.environment);
}

/**
 * Ends the session in the manifest, with its seconds: a manifest that is on disk with another state than `running` has them,
 * whenever the process is killed.
 */
function endSession({ manifest, meter }: Run, state: 'stopped' | 'finished', reason: string | null): void {
  if (manifest.state === 'running') {
    const { elapsedSeconds, pausedSeconds } = meter.snapshot().times;
    manifest.earlierSeconds += elapsedSeconds;
    manifest.pausedSeconds += pausedSeconds;
  }
  Object.assign(manifest, { state, reason });
}

function noteFindings({ notify, request: { shard = null } }: Run, { damage, strangers, retried }: Journal): void {
  const note = (text: string): void => notify({ topic: 'output', text });
  if (damage.tornBytes > 0)
    note(`a torn last line of ${damage.tornBytes} bytes was cut from the output and kept aside`);
  if (damage.lines > 0) note(`${damage.lines} damaged lines of the output were kept aside; their requests run again`);
  const kinds = Object.entries(retried).map(([kind, count]) => `${kind} ${formatInteger(count)}`);
  if (kinds.length > 0) note(`failed requests of earlier are tried again: ${kinds.join(', ')}`);
  const part = shard === null ? 'this input' : shardName(shard);
  if (strangers > 0) note(`${strangers} results of the output answer no line of ${part}: they stay, at its end`);
}

function inputFacts({ request, manifest, input }: Run): Manifest['input'] {
  const { requests, rejected } = input.scan.counts;
  const { bytes, sha256 } = input.identity() ?? manifest.input;
  return {
    ...manifest.input,
    bytes,
    sha256,
    requests,
    rejected,
    complete: request.spool === null ? input.isComplete() : manifest.input.complete,
  };
}
