import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { JournalError, UsageError, messageOf } from '../core/errors.ts';
import { formatInteger, quoteForShell } from '../text/format.ts';
import type { Notify } from '../core/notice.ts';
import { printable } from '../text/printable.ts';
import type { RejectedLine } from '../core/request.ts';
import { removeDrafts } from '../files/replace-file.ts';
import { undoAside } from '../journal/keep-aside.ts';
import { type Lock, acquireLock } from '../journal/lock.ts';
import type { Manifest } from '../journal/manifest/manifest.ts';
import { makeFolder } from '../files/make-folder.ts';
import { type Journal, openJournal } from '../journal/open-journal.ts';
import { openSealKey } from '../journal/manifest/seal.ts';
import { forgetRun, rememberRun } from '../journal/manifest/started-runs.ts';
import { type ChangedLines, createChangedLines } from './files/changed-lines.ts';
import { checkDrift } from './files/check-drift.ts';
import type { BackendCache } from './choose/backend-cache.ts';
import { keepManifest, type OpenedManifest, openManifest } from './files/open-manifest.ts';
import type { ReadRun } from './open-run.ts';
import { countWanted, readInput } from './read-input.ts';
import { type Replacement, endReplacement, prepareReplacement } from './files/replace-run.ts';
import { checkPaths, hasNoResults, noteFiles } from './files/run-files.ts';
import type { RunHost, RunOutcome, RunRequest } from './run-request.ts';
import { openFirstEngine, runGroups } from './run-groups.ts';
import { type RunWatch, watchRun } from './watch-run.ts';

/**
 * Runs one input to its output, or goes on with it: the one place that joins the stages. Resolves when all requests have
 * a result, or when the run was stopped; rejects with an `LlmbatchError` when it can't go on. Whatever happens, what was
 * acknowledged is on disk, and the same call goes on from there.
 */
export async function startRun(request: RunRequest, host: RunHost, slot: BackendCache): Promise<RunOutcome> {
  const { paths } = request;
  await checkPaths(request);
  await makeOutputFolder(dirname(paths.output));
  const lock = await acquireLock(paths.output);
  const files = await noteFiles(paths);
  try {
    await removeDrafts(paths.output);
    await undoAside(paths);
    return await runWithLock(request, host, { slot, lock });
  } catch (error) {
    // A mistake of the user's before the first answer leaves nothing behind.
    if (error instanceof UsageError && (await hasNoResults(paths))) await files.removeNew(host.environment);
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
  { slot, lock }: { slot: BackendCache; lock: Lock },
): Promise<RunOutcome> {
  const opened = await openManifest(request);
  for (const text of opened.notes) host.notify({ topic: 'manifest', text });
  const { manifest, isNew, isAdopted } = opened;
  const replacement = opened.replaces && prepareReplacement(opened.replaces, request.paths, host);
  const first = { reason: '' };
  const onRejected = ({ line, reason }: RejectedLine): void => {
    first.reason ||= `line ${line}: ${printable(reason)}`;
  };
  const paths = { ...request.paths, spool: replacement?.spool ?? request.paths.spool };
  const previous = isNew ? null : manifest.input;
  const changed = createChangedLines(request);
  const reading = {
    host,
    mayStream: isNew && !isAdopted,
    previous,
    listeners: { onRejected, onChanged: changed.note },
  };
  const input = await readInput({ ...request, paths }, reading);
  const watch = watchRun(host, input);
  const prepared = { ...opened, ...watch, request, host, slot, lock, input, changed, watch };
  try {
    checkInput(prepared, first.reason);
    await checkDrift(prepared);
    if (replacement === null) return await runWithJournal(prepared);
    return await replaceRun(prepared, replacement);
  } finally {
    watch.stop();
    await input.close();
    await replacement?.giveUp();
  }
}

interface Prepared extends ReadRun, OpenedManifest {
  lock: Lock;
  changed: ChangedLines;
  watch: RunWatch;
}

/** The engine is opened before anything of the earlier run is touched: a mistake in its name or place costs nothing. */
async function replaceRun(prepared: Prepared, replacement: Replacement): Promise<RunOutcome> {
  const { request, manifest, watch } = prepared;
  const notify = onceEach(prepared.host.notify);
  const run = { ...prepared, host: { ...prepared.host, notify } };
  watch.show();
  await openFirstEngine(run);
  if (run.host.stop.aborted) {
    const text =
      'stopped before anything was sent: what was there is as it was. To start this run: the same command again';
    notify({ topic: 'stopped', text });
    return { manifest: { ...manifest, state: 'stopped' }, paths: request.paths, snapshot: watch.meter.snapshot() };
  }
  await replacement.take(manifest);
  return runWithJournal(run);
}

/** Leaves out what was told before, word for word. */
function onceEach(notify: Notify): Notify {
  const told = new Set<string>();
  return (notice) => {
    if (told.has(notice.text)) return;
    told.add(notice.text);
    notify(notice);
  };
}

/** Refuses an input without any request, and with `--strict` one with bad lines. */
function checkInput({ request, host, input }: Prepared, firstReason: string): void {
  const { requests, rejected } = input.scan.counts;
  if (rejected === 0) return;
  const hint = `See all of them with: llmbatch validate ${quoteForShell(request.input)}`;
  const bad = `${formatInteger(rejected)} of ${formatInteger(input.scan.table.size)} lines are no valid requests`;
  if (request.runner.strict) throw new UsageError(`${bad} (--strict): ${firstReason}`, hint);
  if (requests === 0 && input.isComplete()) throw new UsageError(`no line is a valid request: ${firstReason}`, hint);
  host.notify({ topic: 'bad-lines', text: `${bad} and become failed results (${firstReason})` });
}

async function runWithJournal(prepared: Prepared): Promise<RunOutcome> {
  const { request, host, manifest, input, watch } = prepared;
  const { meter } = watch;
  host.onTake?.();
  const failure = new AbortController();
  const fail = (error: unknown): void => failure.abort(error);
  const journal = await openJournal({
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
  noteFindings(journal, host);
  const keeper = keepManifest({
    path: request.paths.manifest,
    // Of a run that nobody looks for, such as a sample, nothing is left that would want a seal.
    sealKey: host.isListed === false ? null : await openSealKey(host.environment),
    current: () => ({ ...manifest, input: inputFacts(prepared), summary: meter.snapshot() }),
    check: prepared.lock.check,
    onFailure: fail,
  });
  const stop = AbortSignal.any([host.stop, failure.signal]);
  const abort = AbortSignal.any([host.abort, failure.signal]);
  try {
    await keeper.write();
    if (prepared.earlierPath !== null) await rm(prepared.earlierPath, { force: true });
    if (host.isListed !== false) await rememberRun(request.paths.manifest, host.environment);
    watch.show();
    await runGroups({ ...prepared, journal, host: { ...host, stop, abort } });
    failure.signal.throwIfAborted();
    await journal.flush();
    await finish({ ...prepared, journal });
  } catch (error) {
    manifest.state = 'stopped';
    manifest.reason = messageOf(failure.signal.reason ?? error);
    await journal.flush().catch(() => undefined);
    throw failure.signal.reason ?? error;
  } finally {
    await endReplacement(manifest, request.paths, { ...host, failed: meter.snapshot().progress.failed });
    manifest.earlierSeconds += meter.snapshot().times.elapsedSeconds;
    await keeper.stop();
    await journal.close();
  }
  return { manifest, paths: request.paths, snapshot: meter.snapshot() };
}

/** All answered: the output is brought into its order. Else the run is left to be resumed. */
async function finish(run: Prepared & { journal: Journal }): Promise<void> {
  const { request, host, manifest, input, changed, journal } = run;
  const isFinished = input.isComplete() && journal.done() >= countWanted(input);
  manifest.state = isFinished ? 'finished' : 'stopped';
  manifest.reason = isFinished ? null : 'interrupted';
  if (!isFinished) return host.stop.aborted ? undefined : changed.check();
  if (request.runner.order === 'input') await journal.finalise();
  manifest.finishedAt = new Date().toISOString();
  await forgetRun(request.paths.manifest, host.environment);
}

function noteFindings({ damage, strangers }: Journal, { notify }: RunHost): void {
  const note = (text: string): void => notify({ topic: 'output', text });
  if (damage.tornBytes > 0)
    note(`a torn last line of ${damage.tornBytes} bytes was cut from the output and kept aside`);
  if (damage.lines > 0) note(`${damage.lines} damaged lines of the output were kept aside; their requests run again`);
  if (strangers > 0) note(`${strangers} results of the output answer no line of this input: they stay, at its end`);
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
