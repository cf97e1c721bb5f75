import { stat } from 'node:fs/promises';
import type { Backend, BackendLimits, OpenRequest } from '../../core/backend.ts';
import { EngineError, UsageError } from '../../core/errors.ts';
import { formatInteger } from '../../text/format.ts';
import { systemPromptOf } from '../../core/request.ts';
import { areChats, checkChats } from '../request/check-chats.ts';
import { noChatTemplate } from '../request/no-chat-template.ts';
import { type ThinkingEngine, withTemplateKeys } from '../request/template-keys.ts';
import { createLoadSum } from './engine/engine-load.ts';
import { engineLayout } from './engine/engine-layout.ts';
import { localEngine } from './engine/engine-spec.ts';
import { explainCache } from './explain-cache.ts';
import { pythonCommand } from './find-python.ts';
import { unheldByVllm } from './held-keywords.ts';
import { leftovers } from './engine/leftovers.ts';
import { type StartedEngines, maxInFlight, openReplicas } from './replicas/open-replicas.ts';
import { vllmOptionsSchema } from './options.ts';
import { prepareBody, thinkingOfEngine } from './prepare-body.ts';
import { startOnRay } from './ray/start-on-ray.ts';
import type { VllmInfo } from './settings.ts';

export async function openVllm(request: OpenRequest): Promise<Backend> {
  const options = (await vllmOptionsSchema()).parse(request.options);
  if (request.chatTemplate !== null && options['chat_template'] !== undefined)
    throw new UsageError('--chat-template and --option chat_template are the same: give one of them');
  const startedAt = performance.now();
  const engines = await startEngines(options, request);
  const { replicas } = engines;
  const { info } = replicas;
  const thinking = thinkingOfEngine(info, request);
  try {
    if (!info.hasTemplate && info.canGenerate && (await areChats(request)))
      throw noChatTemplate(request.model, thinking.fitting);
    await checkChats(request, ({ body }) => withTemplateKeys(body, thinking));
  } catch (error) {
    await replicas.close();
    throw error;
  }
  request.onNotice(describe(info, engines.count), 'detail');
  return backendOf(engines, request, { thinking, loadMs: performance.now() - startedAt });
}

const startEngines = async (options: Record<string, unknown>, request: OpenRequest): Promise<StartedEngines> =>
  (request.connection['ray'] ?? null) === null ? startHere(options, request) : startOnRay(options, request);

async function startHere(options: Record<string, unknown>, request: OpenRequest): Promise<StartedEngines> {
  if (options['ray_python'] !== undefined) throw new UsageError('--option ray_python is for --ray');
  if (request.connection['replicas'] !== undefined)
    throw new UsageError('--replicas is for --ray', 'On one machine, use --gpus.');
  const layout = engineLayout(options, request);
  const { command } = pythonCommand(request);
  await checkPath(request.model);
  for (const found of await leftovers()) request.onNotice(`warning: ${found}`);
  request.onNotice(`vllm: starting ${request.model} (${command})`);
  // Until its log says more: Python takes a while.
  request.onStep?.(`starting vLLM with ${request.model}`);
  const load = createLoadSum(request);
  const specs = layout.map((gpus, index) =>
    localEngine(request, { options, command, gpus, onStats: (stats) => load.note(index, stats) }),
  );
  const replicas = await openReplicas(specs, {
    min: layout.length,
    mayCrash: false,
    refusal: () => null,
    maxInFlight: (info) => Math.max(maxInFlight(info), request.workers ?? 0),
    stallTimeoutMs: request.stallTimeoutMs,
    signal: request.signal,
    onRestart: request.onRestart,
    onLoss: (reason) =>
      request.onNotice(`vllm: one engine cannot be used any more, and the others continue (${reason})`),
    onCounts: () => {},
  }).catch((error: unknown) => {
    throw withLog(error, request.logFile);
  });
  return { replicas, count: layout.length, kvPressure: load.kvPressure };
}

function backendOf(
  { replicas, count, kvPressure }: StartedEngines,
  request: OpenRequest,
  { thinking, loadMs }: { thinking: ThinkingEngine; loadMs: number },
): Backend {
  const { info } = replicas;
  return {
    info: {
      model: request.model,
      modelDigest: info.digest,
      version: `vllm ${info.version}`,
      loadMs,
      usesLocalGpus: info.device !== 'CPU',
      unheldKeywords: unheldByVllm,
    },
    limits: limitsOf(info, request, count),
    generate: async (asked, context) =>
      replicas.generate({ ...asked, body: prepareBody(asked.body, thinking) }, systemPromptOf(asked.body), context),
    supervision: replicas.supervision,
    inspection: {
      explainCache: async (facts) => explainCache(facts, info, kvPressure()),
      clearPromptCache: replicas.clearPromptCaches,
    },
    canServe: ({ model }) => model === request.model || info.adapters.includes(model),
    close: replicas.close,
  };
}

/** Python takes seconds to find that there is no such folder. */
async function checkPath(model: string): Promise<void> {
  if (!/^(\/|\.{1,2}\/|~)/.test(model) || (await stat(model).catch(() => null)) !== null) return;
  throw new EngineError('model-not-found', `There is no folder ${model}.`, 'Use the folder with its config.json.');
}

/** A start that failed for a reason unknown has its cause in the log. */
function withLog(error: unknown, logFile: string | null): unknown {
  if (!(error instanceof EngineError) || error.kind !== 'engine-crashed' || logFile === null) return error;
  return new EngineError('unusable', error.message, `The whole log of the engine: ${logFile}`);
}

function limitsOf(info: VllmInfo, { conversationTokens }: OpenRequest, engines: number): BackendLimits {
  const { maxNumSeqs, kvTokens, contextTokens } = info;
  const histories =
    conversationTokens === null || kvTokens === null
      ? maxNumSeqs
      : Math.min(maxNumSeqs, Math.floor(kvTokens / Math.min(conversationTokens, contextTokens)));
  return {
    slots: Math.max(1, histories) * engines,
    suggestedWorkers: maxInFlight(info) * engines,
    isolates: engines > 1,
    contextTokens,
  };
}

function describe(info: VllmInfo, engines: number): string {
  const side = engines === 1 ? '' : `${engines} engines, each `;
  const kv = info.kvTokens === null ? '' : `, KV cache of ${formatInteger(info.kvTokens)} tokens`;
  const window = `a window of ${formatInteger(info.contextTokens)} tokens`;
  return `vllm ${info.version}: ${side}${info.maxNumSeqs} sequences at once, ${window}${kv}, ${info.dtype}, ${info.device}`;
}
