import type { Backend } from '../core/backend.ts';
import { type WorkItem, isRejected } from '../core/request.ts';
import { type ResultSource, rejectedResult } from '../scheduler/build-result.ts';
import { type ModeChoice, chooseMode } from './choose/choose-mode.ts';
import { type Conversations, createConversations } from '../scheduler/conversation.ts';
import { createScheduler } from '../scheduler/scheduler.ts';
import { type AnswerVerifier, createVerifier } from '../scheduler/verify-answer.ts';
import { type AnswerSource, createRequestHash } from '../journal/request-hash.ts';
import { planSegments } from '../input/plan-rows.ts';
import { readItems } from '../input/read-items.ts';
import { type BackendChoice, chooseBackend } from './choose/choose-backend.ts';
import { firstModel, followItems, countWanted, groupsOf } from './read-input.ts';
import { openBestBackend, addressOf } from './choose/open-best-backend.ts';
import type { OpenRun, ReadRun } from './open-run.ts';
import { chooseWorkers } from './choose/choose-workers.ts';
import { describeSharing } from './choose/prompt-sharing.ts';
import { restoreConversations } from './restore-conversations.ts';

/** Answers all requests that have no result yet: model by model, one loaded at a time. */
export async function runGroups(run: OpenRun): Promise<void> {
  const { input, journal, host } = run;
  if (host.stop.aborted) return;
  if (!input.isComplete()) {
    const model = await firstModel(input);
    await runGroup(run, model, followItems(input, model));
    await journal.flush();
  }
  for (const { model, rows } of planSegments(input.scan)) {
    if (host.stop.aborted) return;
    await runGroup(run, model, readItems(input.handle, input.scan, rows));
  }
}

/**
 * Opens the engine of the first model: whether there is one is to be known before anything of an earlier run is touched,
 * or a change of the model is refused. The slot keeps it for the run.
 */
export async function openFirstEngine(run: ReadRun): Promise<void> {
  const { input } = run;
  if (run.host.stop.aborted) return;
  const planned = input.isComplete() ? planSegments(input.scan).map(({ model }) => model) : [await firstModel(input)];
  const first = planned.find((model) => model !== null);
  if (first !== undefined) await openEngine(run, first);
}

async function openEngine(run: ReadRun, model: string) {
  const { settings } = run.request;
  const choice = await chooseBackend(run.host.backends, settings.backend, run.input.scan.models, addressOf(run));
  const mode = chooseMode(settings.mode, groupsOf(run.input));
  noteChoices(run, choice, mode);
  return { choice, mode, opened: await openBestBackend(run, choice, { model, mode }) };
}

async function runGroup(run: OpenRun, model: string | null, items: AsyncIterable<WorkItem[]>): Promise<void> {
  if (model === null) return recordRejected(run, items);
  const { request, host, journal } = run;
  const { choice, mode, opened } = await openEngine(run, model);
  if (opened === null || host.stop.aborted) return undefined;
  const { backend, workers } = opened;
  const { maxWorkers, startsWith, note } = chooseWorkers({ ...request.runner, workers }, backend.limits, mode.name);
  if (note !== null) host.notify({ topic: 'workers', text: note });
  await describeLoaded(run, backend);
  run.emit({
    type: 'run-start',
    total: run.input.isComplete() ? countWanted(run.input) : null,
    workers: startsWith ?? maxWorkers,
    maxWorkers,
    contextTokens: backend.limits.contextTokens,
    loadMs: backend.info.loadMs,
  });
  const { name } = choice.definition;
  const verifier = verifierFor(run, name, backend);
  try {
    const scheduler = createScheduler({
      backend,
      items,
      maxWorkers,
      startsWith,
      conversations: await conversationsFor(run, backend, mode),
      verifier,
      settings: request.runner,
      source: sourceOf(run, { backend: name, model, mode: mode.name, digest: backend.info.modelDigest }),
      record: journal.record,
      gpus: run.gpus,
      emit: run.emit,
      notify: run.notify,
      stop: host.stop,
      abort: host.abort,
    });
    await scheduler.run();
  } finally {
    verifier.close();
  }
}

function verifierFor({ request, host, notify }: OpenRun, name: string, { info }: Backend): AnswerVerifier {
  const verifier = createVerifier(request.settings, { name, unheldKeywords: info.unheldKeywords, notify });
  host.abort.addEventListener('abort', verifier.close, { once: true });
  return verifier;
}

function sourceOf(
  { request: { settings }, manifest: { runId } }: OpenRun,
  answering: Omit<AnswerSource, 'settings'>,
): ResultSource {
  const { backend, model } = answering;
  return { runId, backend, model, hashOf: createRequestHash({ ...answering, settings }) };
}

async function recordRejected(run: OpenRun, items: AsyncIterable<WorkItem[]>): Promise<void> {
  const source = { runId: run.manifest.runId, backend: run.request.settings.backend, model: '' };
  for await (const batch of items) {
    for (const { row, read } of batch) {
      if (isRejected(read)) await run.journal.record(row, rejectedResult(read, source));
    }
  }
}

/** What the loaded model takes of memory, and how much its prefix cache can save: once for a run. */
async function describeLoaded({ input, manifest, host, emit }: OpenRun, backend: Backend): Promise<void> {
  const memory = await backend.inspection?.memory?.().catch(() => null);
  if (memory !== null && memory !== undefined) emit({ type: 'model-memory', memory });
  if (manifest.sessions > 1) return;
  const sharing = await describeSharing(input, backend, host.stop).catch(() => null);
  if (sharing !== null) host.notify({ topic: 'prompts', text: sharing });
}

function noteChoices({ request, host, manifest }: ReadRun, choice: BackendChoice, mode: ModeChoice): void {
  const isSaid = manifest.mode?.reason === mode.reason;
  manifest.mode = { name: mode.name, reason: mode.reason };
  if (isSaid) return;
  const { name } = choice.definition;
  if (request.settings.backend === 'auto')
    host.notify({ topic: 'backend', text: `backend: ${name} (${choice.reason})` });
  host.notify({ topic: 'mode', text: `mode: ${mode.name} (${mode.reason})` });
  if (mode.warning !== null) host.notify({ topic: 'conversation', text: `warning: ${mode.warning}` });
}

async function conversationsFor(run: OpenRun, backend: Backend, mode: ModeChoice): Promise<Conversations | null> {
  if (mode.name === 'independent') return null;
  return createConversations({
    settings: run.request.settings.conversation,
    contextTokens: backend.limits.contextTokens,
    restored: await restoreConversations(run.input, await run.journal.loadTurns()),
    emit: run.emit,
    notify: run.notify,
  });
}
