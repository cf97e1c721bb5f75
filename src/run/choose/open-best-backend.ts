import type { Backend } from '../../core/backend.ts';
import type { BackendAddress } from '../../core/connection.ts';
import { EngineError } from '../../core/errors.ts';
import type { ModeChoice } from './choose-mode.ts';
import { type BestSetting, describeBest, findBest } from './saved-settings.ts';
import { type BackendChoice, checkChatTemplate, checkOptions } from './choose-backend.ts';
import type { Notify } from '../../core/events.ts';
import { settleDrift } from '../files/settle-drift.ts';
import type { Run } from '../run.ts';
import type { BackendCache } from './backend-cache.ts';
import { promptLengths } from './prompt-lengths.ts';

export interface Opening {
  model: string;
  mode: ModeChoice;
  address: BackendAddress;
  /** Aborted when nobody waits for the backend any more. */
  signal: AbortSignal;
  notify: Notify;
}

/** A backend, and `--workers`, or what a bench found best; null: the backend's own suggestion. */
export interface OpenedBackend {
  backend: Backend;
  workers: number | null;
}

/** The backend with the workers asked for; where none were, with those that a bench of the same weights found best. */
export async function openBestBackend(
  run: Run,
  cache: BackendCache,
  choice: BackendChoice,
  opening: Opening,
): Promise<OpenedBackend | null> {
  const { workers } = run.request.runner;
  const best = workers === null ? await bestFor(run, choice, opening) : null;
  const backend = await openBackend(run, cache, choice, { ...opening, workers: best?.workers ?? workers });
  if (backend === null || best === null) return backend && { backend, workers };
  if (isOf(best, backend)) {
    opening.notify({ topic: 'workers', text: `workers: ${describeBest(best)}` });
    return { backend, workers: best.workers };
  }
  // Other weights under the same name, or another server: an engine may have been opened for too many, or too few.
  const other = await openBackend(run, cache, choice, { ...opening, workers });
  return other && { backend: other, workers };
}

const isOf = ({ digest, server }: BestSetting, { info }: Backend): boolean =>
  info.modelDigest === digest && (info.server ?? null) === server;

/** Opens the backend; null when the run was stopped while the model was being loaded. */
async function openBackend(
  run: Run,
  cache: BackendCache,
  { definition }: BackendChoice,
  { model, mode, address, signal, notify, workers }: Opening & { workers: number | null },
): Promise<Backend | null> {
  const { settings, runner } = run.request;
  checkChatTemplate(definition, settings);
  await checkOptions(definition, settings.options);
  let lengths: ReturnType<typeof promptLengths> | null = null;
  let isOpen = false;
  const opening = cache.open(definition, {
    model,
    options: settings.options,
    form: run.manifest.engineForm,
    workers,
    timeoutMs: runner.timeoutMs,
    stallTimeoutMs: runner.stallTimeoutMs,
    conversationTokens: mode.name === 'conversation' ? settings.conversation.contextTokens : null,
    chatTemplate: settings.chatTemplate,
    allowControlTokens: settings.controlTokens === 'allow',
    allowRepetition: settings.allowRepetition,
    unload: runner.unload,
    logFile: run.request.paths.engineLog,
    ...address,
    promptLengths: () => (lengths ??= promptLengths(run.input, model)),
    signal,
    onNotice: (text, level) => notify({ topic: 'engine', text, ...(level === 'detail' && { isDetail: true }) }),
    // An engine that is started again later tells its steps too.
    onStep: (step) => void (isOpen || run.emit({ type: 'opening-step', step })),
    onRestart: (reason) => run.emit({ type: 'engine-restart', reason }),
    onReload: () => run.emit({ type: 'model-reload' }),
    onEngineLoad: (load) => run.emit({ type: 'engine-load', load }),
  });
  const backend = await opening.catch((error: unknown) => {
    if (signal.aborted) return null;
    throw error;
  });
  isOpen = true;
  if (backend === null) return null;
  await noteModel(run, definition.name, backend);
  return backend;
}

async function bestFor(
  { request, host }: Run,
  { definition }: BackendChoice,
  { model, mode }: Opening,
): Promise<BestSetting | null> {
  if (host.usesSaved === false || mode.name === 'conversation') return null;
  return findBest({ backend: definition.name, model, options: request.settings.options }, host.environment);
}

/** Records the model, and the form of its engine, in the manifest, and refuses other weights than before: that would be another run. */
async function noteModel({ manifest, request, origin }: Run, name: string, { info }: Backend): Promise<void> {
  const entry = { backend: name, model: info.model, digest: info.modelDigest, version: info.version };
  const known = manifest.models.find(({ model }) => model === entry.model);
  if (known !== undefined && known.digest !== entry.digest) {
    if (request.runner.connections.length > 1 && !request.allowDrift) throw otherWeights(known, entry);
    const change = `weights of ${entry.model} ${known.digest} → ${entry.digest}`;
    const { wasFinished } = origin;
    await settleDrift(manifest, { settings: [change], input: [], isOfRetries: false, wasFinished }, request);
  }
  manifest.models = [...manifest.models.filter((model) => model !== known), entry];
  manifest.engineForm = info.form ?? null;
}

type KnownModel = Run['manifest']['models'][number];

/** One server with other weights is left out, where the others have those of the run. */
const otherWeights = (known: KnownModel, { model, digest }: KnownModel): EngineError =>
  new EngineError(
    'model-not-found',
    `it serves other weights of ${model} (${digest}) than this run has (${known.digest})`,
    'Give each server the same model.',
  );
