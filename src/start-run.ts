import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { JournalError, UsageError, messageOf } from './core/errors.ts';
import { formatInteger, quoteForShell } from './core/format.ts';
import type { RejectedLine } from './core/request.ts';
import { type Lock, acquireLock } from './journal/lock.ts';
import type { Manifest } from './journal/manifest.ts';
import { makeFolder } from './journal/make-folder.ts';
import { type Journal, openJournal } from './journal/open-journal.ts';
import { forgetRun, rememberRun } from './journal/started-runs.ts';
import type { EngineSlot } from './run/engine-slot.ts';
import { keepManifest } from './run/keep-manifest.ts';
import { inputDrift, openManifest, settingsDrift, settleDrift } from './run/open-manifest.ts';
import { type RunInput, countWanted, readInput } from './run/read-input.ts';
import { checkPlaces, hasNoResults, noteFiles, removeRun } from './run/run-files.ts';
import type { RunHost, RunOutcome, RunRequest } from './run/run-request.ts';
import { runSegments } from './run/run-segments.ts';
import { type RunWatch, watchRun } from './run/watch-run.ts';

/**
 * Runs one input to its output, or goes on with it: the one place that joins the stages. Resolves when all requests have
 * a result, or when the run was stopped; rejects with an `LlmbatchError` when it can't go on. Whatever happens, what was
 * acknowledged is on disk, and the same call goes on from there.
 */
export async function startRun(request: RunRequest, host: RunHost, slot: EngineSlot): Promise<RunOutcome> {
  const { places } = request;
  await checkPlaces(request);
  await makeOutputFolder(dirname(places.output));
  const lock = await acquireLock(places.output);
  const files = await noteFiles(places);
  try {
    if (request.overwrite) await removeRun(places);
    return await runWithLock(request, host, { slot, lock });
  } catch (error) {
    // A mistake of the user's before the first answer leaves nothing behind.
    if (error instanceof UsageError && (await hasNoResults(places))) await files.removeNew(host.environment);
    throw error;
  } finally {
    await lock.release();
  }
}

async function makeOutputFolder(path: string): Promise<void> {
  await makeFolder(path).catch((error: unknown) => {
    throw new JournalError(
      `can't make the folder ${path}: ${messageOf(error)}`,
      'Choose another place with -o.',
      error,
    );
  });
}

async function runWithLock(
  request: RunRequest,
  host: RunHost,
  { slot, lock }: { slot: EngineSlot; lock: Lock },
): Promise<RunOutcome> {
  const { manifest, isNew, earlierPath, note } = await openManifest(request);
  if (note !== null) host.onNote(note);
  settleDrift(manifest, settingsDrift(manifest, request), request);
  Object.assign(manifest, { settings: request.settings, runner: request.runner });
  const first = { reason: '' };
  const onRejected = ({ line, reason }: RejectedLine): void => {
    first.reason ||= `line ${line}: ${reason}`;
  };
  const previous = isNew ? null : manifest.input;
  const input = await readInput(request, { host, mayStream: isNew, previous, listeners: { onRejected } });
  try {
    checkInput({ request, host, manifest, input }, first.reason);
    const watch = watchRun(host, input);
    return await runWithJournal({ request, host, slot, lock, manifest, input, earlierPath, watch }).finally(watch.stop);
  } finally {
    await input.close();
  }
}

interface Prepared {
  request: RunRequest;
  host: RunHost;
  manifest: Manifest;
  input: RunInput;
}

/** Refuses another input than the run was started with, one without any request, and with `--strict` one with bad lines. */
function checkInput({ request, host, manifest, input }: Prepared, firstReason: string): void {
  const { drift, hasGrown } = inputDrift(manifest, input.identity());
  settleDrift(manifest, drift, request);
  if (hasGrown) host.onNote('the input has grown at its end since the run began; the new lines are taken too');
  const { requests, rejected } = input.scan.counts;
  if (rejected === 0) return;
  const hint = `See all of them with: llmbatch validate ${quoteForShell(request.input)}`;
  const bad = `${formatInteger(rejected)} of ${formatInteger(input.scan.table.size)} lines are no valid requests`;
  if (request.runner.strict) throw new UsageError(`${bad} (--strict): ${firstReason}`, hint);
  if (requests === 0 && input.isComplete()) throw new UsageError(`no line is a valid request: ${firstReason}`, hint);
  host.onNote(`${bad} and become failed results (${firstReason})`);
}

async function runWithJournal(
  prepared: Prepared & { slot: EngineSlot; lock: Lock; earlierPath: string | null; watch: RunWatch },
): Promise<RunOutcome> {
  const { request, host, manifest, input } = prepared;
  const { watch } = prepared;
  const { meter } = watch;
  const failure = new AbortController();
  const fail = (error: unknown): void => failure.abort(error);
  const journal = await openJournal({
    path: request.places.output,
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
  noteDamage(journal, host);
  const keeper = keepManifest({
    path: request.places.manifest,
    current: () => ({ ...manifest, input: inputFacts(prepared), summary: meter.snapshot() }),
    check: prepared.lock.check,
    onFailure: fail,
  });
  const stop = AbortSignal.any([host.stop, failure.signal]);
  const abort = AbortSignal.any([host.abort, failure.signal]);
  try {
    await keeper.write();
    if (prepared.earlierPath !== null) await rm(prepared.earlierPath, { force: true });
    if (host.isListed !== false) await rememberRun(request.places.manifest, host.environment);
    watch.show();
    await runSegments({ ...prepared, ...watch, journal, host: { ...host, stop, abort } });
    failure.signal.throwIfAborted();
    await journal.flush();
    await finish({ ...prepared, journal });
  } catch (error) {
    manifest.state = 'stopped';
    manifest.reason = messageOf(failure.signal.reason ?? error);
    await journal.flush().catch(() => undefined);
    throw failure.signal.reason ?? error;
  } finally {
    manifest.earlier_seconds += meter.snapshot().elapsedSeconds;
    await keeper.stop();
    await journal.close();
  }
  return { manifest, places: request.places, snapshot: meter.snapshot() };
}

/** All answered: the output is brought into its order. Else the run is left to be resumed. */
async function finish({ request, host, manifest, input, journal }: Prepared & { journal: Journal }): Promise<void> {
  const isFinished = input.isComplete() && journal.done() >= countWanted(input);
  manifest.state = isFinished ? 'finished' : 'stopped';
  manifest.reason = isFinished ? null : 'interrupted';
  if (!isFinished) return;
  if (request.runner.order === 'input') await journal.finalise();
  manifest.finished_at = new Date().toISOString();
  await forgetRun(request.places.manifest, host.environment);
}

function noteDamage({ damage }: Journal, { onNote }: RunHost): void {
  if (damage.tornBytes > 0)
    onNote(`a torn last line of ${damage.tornBytes} bytes was cut from the output and kept aside`);
  if (damage.lines > 0) onNote(`${damage.lines} damaged lines of the output were kept aside; their requests run again`);
}

function inputFacts({ request, manifest, input }: Prepared): Manifest['input'] {
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
