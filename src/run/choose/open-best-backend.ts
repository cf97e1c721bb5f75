import type { Backend } from '../../core/backend.ts';
import type { BackendAddress } from '../../core/connection.ts';
import type { ModeChoice } from './choose-mode.ts';
import { type BestSetting, describeBest, findBest } from './saved-settings.ts';
import { type BackendChoice, checkChatTemplate, checkOptions } from './choose-backend.ts';
import { settleDrift } from '../files/settle-drift.ts';
import type { Run } from '../run.ts';
import type { BackendCache } from './backend-cache.ts';
import { promptLengths } from './prompt-lengths.ts';

export interface Opening {
  model: string;
  mode: ModeChoice;
}

/** The backend with the workers asked for; where none were, with those that a bench of the same weights found best. */
export async function openBestBackend(
  run: Run,
  cache: BackendCache,
  choice: BackendChoice,
  opening: Opening,
): Promise<{ backend: Backend; workers: number | null } | null> {
  const { workers } = run.request.runner;
  const best = workers === null ? await bestFor(run, choice, opening) : null;
  const backend = await openBackend(run, cache, choice, { ...opening, workers: best?.workers ?? workers });
  if (backend === null || best === null) return backend && { backend, workers };
  if (isOf(best, backend)) {
    run.notifyOfEngine({ topic: 'workers', text: describeBest(best), isDetail: true });
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
  { model, mode, workers }: Opening & { workers: number | null },
): Promise<Backend | null> {
  const { settings, runner } = run.request;
  checkChatTemplate(definition, settings);
  await checkOptions(definition, settings.options);
  let lengths: ReturnType<typeof promptLengths> | null = null;
  const opening = cache.open(definition, {
    model,
    options: settings.options,
    workers,
    timeoutMs: runner.timeoutMs,
    conversationTokens: mode.name === 'conversation' ? settings.conversation.contextTokens : null,
    chatTemplate: settings.chatTemplate,
    allowControlTokens: settings.controlTokens === 'allow',
    allowRepetition: settings.allowRepetition,
    unload: runner.unload,
    logFile: run.request.paths.engineLog,
    ...addressOf(run),
    promptLengths: () => (lengths ??= promptLengths(run.input, model)),
    signal: run.stop,
    onNotice: (text, level) =>
      run.notifyOfEngine({ topic: 'engine', text, ...(level === 'detail' && { isDetail: true }) }),
    onRestart: (reason) => run.emit({ type: 'engine-restart', reason }),
    onReload: () => run.emit({ type: 'model-reload' }),
    onEngineLoad: (load) => run.emit({ type: 'engine-load', load }),
  });
  const backend = await opening.catch((error: unknown) => {
    if (run.stop.aborted) return null;
    throw error;
  });
  if (backend === null) return null;
  run.setEngine(backend);
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

export const addressOf = ({ request, host }: Run): BackendAddress => ({
  connection: request.runner.connection,
  environment: host.environment,
});

/** Records the model in the manifest, and refuses other weights than before: that would be another run. */
async function noteModel({ manifest, request, origin }: Run, name: string, { info }: Backend): Promise<void> {
  const entry = { backend: name, model: info.model, digest: info.modelDigest, version: info.version };
  const known = manifest.models.find(({ model }) => model === entry.model);
  if (known !== undefined && known.digest !== entry.digest) {
    const change = `weights of ${entry.model} ${known.digest} → ${entry.digest}`;
    const { wasFinished } = origin;
    await settleDrift(manifest, { settings: [change], input: [], isOfRetries: false, wasFinished }, request);
  }
  manifest.models = [...manifest.models.filter((model) => model !== known), entry];
}
