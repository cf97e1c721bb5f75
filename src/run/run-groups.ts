import { createNotifier } from '../async/notifier.ts';
import type { Backend } from '../core/backend.ts';
import { type WorkItem, isRejected } from '../core/request.ts';
import { planGroups } from '../input/plan-rows.ts';
import { readItems } from '../input/read-items.ts';
import { partitionRows } from './partition-rows.ts';
import type { Journal } from '../journal/open-journal.ts';
import { type AnswerSource, createRequestHash } from '../journal/request-hash.ts';
import { type ResultSource, rejectedResult } from '../scheduler/build-result.ts';
import { type Conversations, createConversations } from '../scheduler/conversation.ts';
import type { Partition } from '../scheduler/queue/partitions.ts';
import { type SchedulerEngine, createScheduler } from '../scheduler/scheduler.ts';
import { type AnswerVerifier, createVerifier } from '../scheduler/verify-answer.ts';
import type { ModeChoice } from './choose/choose-mode.ts';
import { type WorkerChoice, chooseWorkers, describeWorkers, leaveSlot } from './choose/choose-workers.ts';
import { describeSharing } from './choose/prompt-sharing.ts';
import type { OpenedBackend } from './choose/open-best-backend.ts';
import { notifyNamed } from './choose/open-servers.ts';
import type { Engines, OpenEngine } from './engines.ts';
import { bytesToDo, countWanted, firstModel, followItems } from './read-input.ts';
import type { Reuse } from './reuse/reuse.ts';
import { restoreConversations } from './restore-conversations.ts';
import type { Run } from './run.ts';
import type { RunOutput } from './run-output.ts';

interface GroupTools {
  engines: Engines;
  /** Null: every request is sent. */
  reuse: Reuse | null;
}

/** Answers all requests that have no result yet: model by model, one loaded at a time. */
export async function runGroups(run: Run, output: RunOutput, tools: GroupTools): Promise<void> {
  const { input, stop } = run;
  const { journal } = output;
  if (stop.aborted) return;
  if (!input.isComplete()) {
    const model = await firstModel(input);
    const items = followItems(input, model);
    const partition = { size: null, items };
    await (model === null
      ? recordRejected(run, journal, items)
      : runGroup(run, output, { ...tools, model, partition: async () => [partition] }));
    await journal.flush();
  }
  for (const { model, rows } of planGroups(input.scan)) {
    if (stop.aborted) return;
    if (model === null) await recordRejected(run, journal, readItems(input.handle, input.scan, rows));
    else await runRows(run, output, { ...tools, model, rows });
  }
}

/** Answers the rows of one model. Where earlier answers are reused, the engine is opened only if something is left for it. */
async function runRows(
  run: Run,
  output: RunOutput,
  { engines, reuse, model, rows }: GroupTools & { model: string; rows: Uint32Array },
): Promise<void> {
  const known = reuse && (await engines.identify(model));
  const left = reuse !== null && known !== null ? await reuse.take(rows, known) : rows;
  if (left.length === 0 || run.stop.aborted) return;
  await runGroup(run, output, {
    engines,
    model,
    async partition({ definition, mode, first: { backend } }) {
      const source = { backend: definition.name, model, mode: mode.name, digest: backend.info.modelDigest };
      const toSend = reuse !== null && known === null ? await reuse.take(rows, { definition, source }) : left;
      return toSend.length === 0 ? [] : partitionRows(run.input, toSend, run.request.runner.connections.length);
    },
  });
  if (!run.abort.aborted) await reuse?.copy();
}

/** Opens the engine of a model, and lets it answer what is in the partitions. */
async function runGroup(
  run: Run,
  { journal, save }: RunOutput,
  {
    engines,
    model,
    partition,
  }: { engines: Engines; model: string; partition: (engine: OpenEngine) => Promise<Partition[]> },
): Promise<void> {
  await waitForPause(run);
  if (run.stop.aborted) return;
  const engine = await engines.open(model);
  try {
    // A run that is killed at its first answer is not resumed with other weights.
    await save();
    if (engine === null || run.stop.aborted) return;
    const partitions = await partition(engine);
    if (partitions.length > 0) await answerAll(run, journal, { engine, model, partitions });
  } finally {
    engine?.stopOpening();
  }
}

/** While a run is paused, outside of its hours too, no model is loaded. */
async function waitForPause({ control, stop }: Run): Promise<void> {
  const changes = createNotifier();
  const unsubscribe = control.subscribe(changes.notify);
  stop.addEventListener('abort', changes.notify, { once: true });
  while (control.paused() !== null && !stop.aborted) await changes.next();
  unsubscribe();
}

/** Requests for one model, and the engine that has it loaded. */
interface LoadedGroup {
  engine: OpenEngine;
  model: string;
  partitions: Partition[];
}

async function answerAll(run: Run, journal: Journal, { engine, model, partitions }: LoadedGroup): Promise<void> {
  const { definition, mode, first } = engine;
  const { name } = definition;
  const { backend } = first;
  const engines = await announceStart(run, engine);
  const verifier = verifierFor(run, name, backend);
  try {
    const scheduler = createScheduler({
      engines,
      partitions,
      conversations: await conversationsFor(run, journal, { backend, mode }),
      verifier,
      settings: run.request.runner,
      source: sourceOf(run, { backend: name, model, mode: mode.name, digest: backend.info.modelDigest }),
      record: journal.record,
      gpus: run.gpus,
      control: run.control,
      emit: run.emit,
      notify: run.notify,
      stop: run.stop,
      abort: run.abort,
    });
    await scheduler.run();
  } finally {
    verifier.close();
  }
}

/** Tells of the engine, and of what its loaded model takes. Of further servers it is told when they are open. */
async function announceStart(run: Run, engine: OpenEngine): Promise<Promise<SchedulerEngine | null>[]> {
  const { first, servers } = engine;
  const engines = servers.map(async ({ name, opened: opening }) => {
    const opened = await opening;
    return opened && { ...announceEngine(run, engine, { ...opened, name }), backend: opened.backend, name };
  });
  const begun = await Promise.any(engines.map(async (opening) => (await opening) ?? Promise.reject(new Error('none'))));
  await describeLoaded(run, first.backend);
  const { maxWorkers, startsWith, backend } = begun;
  run.emit({
    type: 'model-start',
    ...(run.input.isComplete() ? { total: countWanted(run.input), restBytes: bytesToDo(run.input) } : { total: null }),
    workers: startsWith ?? maxWorkers,
    maxWorkers,
    contextTokens: backend.limits.contextTokens,
    loadMs: backend.info.loadMs,
  });
  return engines;
}

/** Chooses the number of workers of one engine, and tells of it. */
function announceEngine(
  run: Run,
  { definition, mode }: OpenEngine,
  { backend, workers, name }: OpenedBackend & { name: string | null },
): WorkerChoice {
  const asked = { ...run.request.runner, workers };
  const chosen = chooseWorkers(asked, backend.limits, mode.name, definition.moreSlots);
  const choice = backend.info.server === undefined ? chosen : leaveSlot(asked, backend.limits.slots, chosen);
  const { model, device } = backend.info;
  const engine = device === undefined ? definition.name : `${definition.name} on ${device}`;
  const text = [engine, model, describeWorkers(choice, asked, backend.limits)];
  if (mode.name === 'conversation') text.push('conversation mode');
  const notify = notifyNamed(run.notifyOfEngine, name);
  notify({ topic: 'choice', text: text.join(', ') });
  if (choice.note !== null) notify({ topic: 'workers', text: choice.note });
  return choice;
}

function verifierFor({ request, abort, notify }: Run, name: string, { info }: Backend): AnswerVerifier {
  const verifier = createVerifier(request.settings, { name, unheldKeywords: info.unheldKeywords, notify });
  abort.addEventListener('abort', verifier.close, { once: true });
  return verifier;
}

function sourceOf(
  { request: { settings }, manifest: { runId } }: Run,
  answering: Omit<AnswerSource, 'settings'>,
): ResultSource {
  const { backend, model } = answering;
  return { runId, backend, model, hashOf: createRequestHash({ ...answering, settings }) };
}

async function recordRejected(run: Run, journal: Journal, items: AsyncIterable<WorkItem[]>): Promise<void> {
  const source = { runId: run.manifest.runId, backend: run.request.settings.backend, model: '' };
  for await (const batch of items) {
    for (const { row, read } of batch) {
      if (isRejected(read)) await journal.record(row, rejectedResult(read, source), read.rowJson);
    }
  }
}

/** Tells once for a run what memory the loaded model takes, and how much its prefix cache can save. */
async function describeLoaded(run: Run, backend: Backend): Promise<void> {
  const memory = await backend.inspection?.memory?.().catch(() => null);
  if (memory !== null && memory !== undefined) run.emit({ type: 'model-memory', memory });
  if (run.manifest.sessions > 1) return;
  const sharing = await describeSharing(run.input, backend, run.stop).catch(() => null);
  if (sharing !== null) run.notifyOfEngine({ topic: 'prompts', text: sharing, isDetail: true });
}

async function conversationsFor(
  run: Run,
  journal: Journal,
  { backend, mode }: { backend: Backend; mode: ModeChoice },
): Promise<Conversations | null> {
  if (mode.name === 'independent') return null;
  return createConversations({
    settings: run.request.settings.conversation,
    contextTokens: backend.limits.contextTokens,
    restored: await restoreConversations(run.input, await journal.loadTurns()),
    emit: run.emit,
    notify: run.notify,
  });
}
