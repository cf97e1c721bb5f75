import { stat } from 'node:fs/promises';
import type { Backend, BackendLimits, GenerateContext, OpenRequest, Supervision } from '../../core/backend.ts';
import type { Answer } from '../../core/completion.ts';
import { EngineError, UsageError } from '../../core/errors.ts';
import { addReported } from '../../core/measurements.ts';
import { formatInteger } from '../../text/format.ts';
import { type BatchRequest, systemPromptOf } from '../../core/request.ts';
import { areChats, checkChats } from '../request/check-chats.ts';
import { noChatTemplate } from '../request/no-chat-template.ts';
import { type ThinkingEngine, withTemplateKeys } from '../request/template-keys.ts';
import { type WorkerProcess, startWorkerProcess } from '../subprocess/worker-process.ts';
import type { WorkerStats, WorkerSpec } from '../subprocess/protocol.ts';
import { createDispatch } from './dispatch.ts';
import { engineLayout } from './engine/engine-layout.ts';
import { engineSpec } from './engine/engine-spec.ts';
import { type KvPressure, explainCache } from './explain-cache.ts';
import { pythonCommand } from './find-python.ts';
import { unheldByVllm } from './held-keywords.ts';
import { leftovers } from './engine/leftovers.ts';
import { vllmOptionsSchema } from './options.ts';
import { prepareBody, thinkingOfEngine } from './prepare-body.ts';
import type { VllmInfo } from './settings.ts';

type VllmWorker = WorkerProcess<VllmInfo>;

export async function openVllm(request: OpenRequest): Promise<Backend> {
  const options = (await vllmOptionsSchema()).parse(request.options);
  if (request.chatTemplate !== null && options['chat_template'] !== undefined)
    throw new UsageError('--chat-template and --option chat_template are the same: give one of them');
  const layout = engineLayout(options, request);
  const { command } = pythonCommand(request);
  await checkPath(request.model);
  for (const found of await leftovers()) request.onNotice(`warning: ${found}`);
  request.onNotice(`vllm: starting ${request.model} (${command})`);
  const startedAt = performance.now();
  const load = createLoad(request, layout.length);
  const workers = await startAll(
    layout.map((gpus, index) =>
      engineSpec(request, { options, command, gpus, onStats: (stats) => load.note(index, stats) }),
    ),
    request,
  );
  const { info } = workers[0]!;
  const thinking = thinkingOfEngine(info, request);
  try {
    if (!info.hasTemplate && info.canGenerate && (await areChats(request)))
      throw noChatTemplate(request.model, thinking.fitting);
    await checkChats(request, ({ body }) => withTemplateKeys(body, thinking));
  } catch (error) {
    await Promise.all(workers.map((worker) => worker.close()));
    throw error;
  }
  request.onNotice(describe(info, workers.length), 'detail');
  const loadMs = performance.now() - startedAt;
  return backendOf(workers, request, { info, thinking, loadMs, kvPressure: load.kvPressure });
}

interface Opened {
  info: VllmInfo;
  thinking: ThinkingEngine;
  loadMs: number;
  kvPressure: () => KvPressure;
}

function backendOf(
  workers: VllmWorker[],
  request: OpenRequest,
  { info, thinking, loadMs, kvPressure }: Opened,
): Backend {
  const replicas = workers.map(() => ({ inFlight: 0 }));
  const choose = createDispatch(replicas);
  const isUp = (replica: number): boolean => workers[replica]?.pid() !== null;
  return {
    info: {
      model: request.model,
      modelDigest: info.digest,
      version: `vllm ${info.version}`,
      loadMs,
      usesLocalGpus: info.device !== 'CPU',
      unheldKeywords: unheldByVllm,
    },
    limits: limitsOf(info, request, workers.length),
    async generate(asked: BatchRequest, context: GenerateContext): Promise<Answer> {
      const body = prepareBody(asked.body, thinking);
      const replica = choose(systemPromptOf(asked.body), isUp);
      replicas[replica]!.inFlight++;
      try {
        return await workers[replica]!.generate({ ...asked, body }, context);
      } finally {
        replicas[replica]!.inFlight--;
      }
    },
    supervision: supervisionOf(workers),
    inspection: {
      explainCache: async (facts) => explainCache(facts, info, kvPressure()),
      clearPromptCache() {
        for (const worker of workers) worker.clearPromptCache();
      },
    },
    canServe: ({ model }) => model === request.model || info.adapters.includes(model),
    async close() {
      await Promise.all(workers.map((worker) => worker.close()));
    },
  };
}

const supervisionOf = (workers: VllmWorker[]): Supervision => ({
  pid: () => workers[0]?.pid() ?? null,
  async restart() {
    await Promise.all(workers.map((worker) => worker.restart()));
  },
  isStarting: () => workers.some((worker) => worker.isStarting()),
  async recover(_failure, signal) {
    const recovered = await Promise.all(workers.map((worker) => worker.recover(signal)));
    // The other engines still have what they had.
    return recovered.some(Boolean) ? 'away' : 'here';
  },
  async kill() {
    await Promise.all(workers.map((worker) => worker.kill()));
  },
});

/** Python takes seconds to find that there is no such folder. */
async function checkPath(model: string): Promise<void> {
  if (!/^(\/|\.{1,2}\/|~)/.test(model) || (await stat(model).catch(() => null)) !== null) return;
  throw new EngineError(
    'model-not-found',
    `There is no folder ${model}.`,
    'Give the folder that holds its config.json.',
  );
}

/** One of them that does not start ends them all. */
async function startAll(specs: WorkerSpec[], request: OpenRequest): Promise<VllmWorker[]> {
  const starts = await Promise.allSettled(specs.map((spec) => startWorkerProcess<VllmInfo>(spec, request)));
  const failed = starts.find((start) => start.status === 'rejected');
  const started = starts.filter((start) => start.status === 'fulfilled').map(({ value }) => value);
  if (failed === undefined) return started;
  await Promise.all(started.map((worker) => worker.close()));
  throw withLog(failed.reason, request.logFile);
}

/** A start that failed for a reason unknown has its cause in the log. */
function withLog(error: unknown, logFile: string | null): unknown {
  if (!(error instanceof EngineError) || error.kind !== 'engine-crashed' || logFile === null) return error;
  return new EngineError('unusable', error.message, `The whole log of the engine: ${logFile}`);
}

/**
 * Twice as many in flight as run at once, so that the scheduler always has a next one; its queue has no bound of its
 * own.
 */
function limitsOf(info: VllmInfo, { conversationTokens }: OpenRequest, engines: number): BackendLimits {
  const { maxNumSeqs, kvTokens, contextTokens } = info;
  const histories =
    conversationTokens === null || kvTokens === null
      ? maxNumSeqs
      : Math.min(maxNumSeqs, Math.floor(kvTokens / Math.min(conversationTokens, contextTokens)));
  return {
    slots: Math.max(1, histories) * engines,
    suggestedWorkers: Math.min(1024, Math.max(64, 2 * maxNumSeqs)) * engines,
    contextTokens,
  };
}

interface Load {
  note: (engine: number, stats: WorkerStats) => void;
  kvPressure: () => KvPressure;
}

/** Sums the load of all engines of the run. */
function createLoad({ onEngineLoad }: OpenRequest, engines: number): Load {
  const last: (WorkerStats | undefined)[] = Array.from({ length: engines });
  const all = (): WorkerStats[] => last.filter((one) => one !== undefined);
  let peakUsage = 0;
  return {
    note(engine, stats) {
      last[engine] = stats;
      peakUsage = Math.max(peakUsage, stats.kvUsage);
      const sum = (numberOf: (one: WorkerStats) => number): number =>
        all().reduce((total, one) => total + numberOf(one), 0);
      onEngineLoad({
        running: sum(({ running }) => running),
        waiting: sum(({ waiting }) => waiting),
        kvUsage: sum(({ kvUsage }) => kvUsage) / all().length,
      });
    },
    kvPressure: () => ({
      peakUsage,
      preemptions: all().reduce<number | null>((total, one) => addReported(total, one.preemptions ?? null), null),
    }),
  };
}

function describe(info: VllmInfo, engines: number): string {
  const side = engines === 1 ? '' : `${engines} engines, each `;
  const kv = info.kvTokens === null ? '' : `, KV cache of ${formatInteger(info.kvTokens)} tokens`;
  const window = `a window of ${formatInteger(info.contextTokens)} tokens`;
  return `vllm ${info.version}: ${side}${info.maxNumSeqs} sequences at once, ${window}${kv}, ${info.dtype}, ${info.device}`;
}
