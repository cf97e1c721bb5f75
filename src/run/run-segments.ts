import type { Backend, EnginePlace } from '../core/backend.ts';
import type { Emit, GpuSample } from '../core/events.ts';
import type { WorkItem } from '../core/request.ts';
import { rejectedResult } from '../engine/build-result.ts';
import { isRejected } from '../core/request.ts';
import { type ModeChoice, chooseMode } from '../engine/choose-mode.ts';
import { type Conversations, createConversations } from '../engine/conversation.ts';
import { runRequests } from '../engine/run-requests.ts';
import { createVerifier } from '../engine/verify-answer.ts';
import { planSegments } from '../input/plan-rows.ts';
import { readItems } from '../input/read-items.ts';
import type { Manifest } from '../journal/manifest.ts';
import type { Journal } from '../journal/open-journal.ts';
import { type BackendChoice, checkOptions, chooseBackend } from './choose-backend.ts';
import type { EngineSlot } from './engine-slot.ts';
import { firstModel, followItems } from './follow-items.ts';
import { settleDrift } from './open-manifest.ts';
import { chooseLanes } from './choose-lanes.ts';
import { promptLengths } from './prompt-lengths.ts';
import { describeSharing } from './prompt-sharing.ts';
import { type RunInput, countWanted, groupsOf } from './read-input.ts';
import { restoreConversations } from './restore-conversations.ts';
import type { RunHost, RunRequest } from './run-request.ts';

/** A run with everything open but the engine. */
export interface OpenRun {
  request: RunRequest;
  host: RunHost;
  input: RunInput;
  journal: Journal;
  manifest: Manifest;
  slot: EngineSlot;
  emit: Emit;
  /** The process of a local engine, for its CPU and memory. */
  onBackend: (backend: Backend) => void;
  /** From now on this is called with each sample of the GPUs; it takes the place of the one before. */
  onGpuSample: (listener: (gpus: GpuSample[]) => void) => void;
}

/** Answers all requests that have no result yet: model by model, one loaded at a time. */
export async function runSegments(run: OpenRun): Promise<void> {
  const { input, journal, host } = run;
  if (host.stop.aborted) return;
  if (!input.isComplete()) {
    const model = await firstModel(input);
    await runSegment(run, model, followItems(input, model));
    await journal.flush();
  }
  for (const { model, rows } of planSegments(input.scan)) {
    if (host.stop.aborted) return;
    await runSegment(run, model, readItems(input.handle, input.scan, rows));
  }
}

async function runSegment(run: OpenRun, model: string | null, items: AsyncIterable<WorkItem[]>): Promise<void> {
  if (model === null) return recordRejected(run, items);
  const { request, host, manifest, journal } = run;
  const choice = await chooseBackend(request.settings.backend, run.input.scan.models, placeOf(run));
  const mode = chooseMode(request.settings.mode, groupsOf(run.input));
  noteChoices(run, choice, mode);
  const backend = await openBackend(run, choice, { model, mode });
  if (backend === null || host.stop.aborted) return undefined;
  const { lanes, startsWith, note } = chooseLanes(request.runner, backend.limits, mode.name);
  if (note !== null) host.onNote(note);
  await describeLoaded(run, backend);
  run.emit({
    type: 'run-start',
    total: run.input.isComplete() ? countWanted(run.input) : null,
    workers: startsWith ?? lanes,
    mostWorkers: lanes,
    contextTokens: backend.limits.contextTokens,
    loadMs: backend.loadMs,
  });
  return runRequests({
    ...host,
    items,
    backend,
    lanes,
    startsWith,
    conversations: await conversationsFor(run, backend, mode),
    verifier: createVerifier(request.settings),
    settings: request.runner,
    source: { runId: manifest.run_id, backend: choice.definition.name, model },
    record: journal.record,
    emit: run.emit,
    onGpuSample: run.onGpuSample,
  });
}

async function recordRejected(run: OpenRun, items: AsyncIterable<WorkItem[]>): Promise<void> {
  const source = { runId: run.manifest.run_id, backend: run.request.settings.backend, model: '' };
  for await (const batch of items) {
    for (const { row, read } of batch) {
      if (isRejected(read)) await run.journal.record(row, rejectedResult(read, source));
    }
  }
}

/** Null when the run was stopped while the model was being loaded. */
async function openBackend(
  run: OpenRun,
  { definition }: BackendChoice,
  { model, mode }: { model: string; mode: ModeChoice },
): Promise<Backend | null> {
  const { host, slot } = run;
  const { settings, runner } = run.request;
  await checkOptions(definition, settings.options);
  let lengths: ReturnType<typeof promptLengths> | null = null;
  const opening = slot.open(definition, {
    model,
    options: settings.options,
    workers: runner.workers,
    timeoutMs: runner.timeoutMs,
    conversationTokens: mode.name === 'conversation' ? settings.conversation.contextTokens : null,
    allowControlTokens: settings.controlTokens === 'allow',
    unload: runner.unload,
    gpus: runner.gpus,
    logFile: run.request.places.engineLog,
    ...placeOf(run),
    promptLengths: () => (lengths ??= promptLengths(run.input, model)),
    signal: host.stop,
    onNotice: host.onNote,
    onRestart: (reason) => run.emit({ type: 'engine-restart', reason }),
    onReload: () => run.emit({ type: 'model-reload' }),
    onEngineLoad: (load) => run.emit({ type: 'engine-load', load }),
  });
  const backend = await opening.catch((error: unknown) => {
    if (host.stop.aborted) return null;
    throw error;
  });
  if (backend === null) return null;
  run.onBackend(backend);
  noteModel(run, definition.name, backend);
  return backend;
}

/** What the loaded model takes of memory, and how much its prefix cache can save: once for a run. */
async function describeLoaded({ input, manifest, host, emit }: OpenRun, backend: Backend): Promise<void> {
  const memory = await backend.memory?.().catch(() => null);
  if (memory !== null && memory !== undefined) emit({ type: 'model-memory', memory });
  if (manifest.sessions > 1) return;
  const sharing = await describeSharing(input, backend, host.stop).catch(() => null);
  if (sharing !== null) host.onNote(sharing);
}

const placeOf = ({ request, host }: OpenRun): EnginePlace => ({
  host: request.runner.host,
  baseUrl: request.runner.baseUrl,
  python: request.runner.python,
  environment: host.environment,
});

/** The same weights as before, or it is another run. */
function noteModel({ manifest, request }: OpenRun, name: string, backend: Backend): void {
  const entry = { backend: name, model: backend.model, digest: backend.modelDigest, version: backend.version };
  const known = manifest.models.find(({ model }) => model === entry.model);
  if (known !== undefined && known.digest !== entry.digest) {
    settleDrift(manifest, [`digest of the model ${entry.model}: ${known.digest} → ${entry.digest}`], request);
  }
  manifest.models = [...manifest.models.filter((model) => model !== known), entry];
}

function noteChoices({ request, host, manifest }: OpenRun, choice: BackendChoice, mode: ModeChoice): void {
  const isSaid = manifest.mode?.reason === mode.reason;
  manifest.mode = { name: mode.name, reason: mode.reason };
  if (isSaid) return;
  if (request.settings.backend === 'auto') host.onNote(`backend: ${choice.definition.name} (${choice.reason})`);
  host.onNote(`mode: ${mode.name} (${mode.reason})`);
  if (mode.warning !== null) host.onNote(`warning: ${mode.warning}`);
}

async function conversationsFor(run: OpenRun, backend: Backend, mode: ModeChoice): Promise<Conversations | null> {
  if (mode.name === 'independent') return null;
  return createConversations({
    settings: run.request.settings.conversation,
    contextTokens: backend.limits.contextTokens,
    restored: await restoreConversations(run.input, await run.journal.loadTurns()),
    emit: run.emit,
  });
}
