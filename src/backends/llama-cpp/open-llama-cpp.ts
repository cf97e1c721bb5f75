import { fileURLToPath } from 'node:url';
import type { Backend, OpenRequest } from '../../core/backend.ts';
import { type Answer, failure } from '../../core/completion.ts';
import { EngineError } from '../../core/errors.ts';
import { formatBytes, formatCounted, formatInteger } from '../../text/format.ts';
import type { BatchRequest, RequestBody } from '../../core/request.ts';
import { type EngineInfo, type EngineSettings, engineSettings, llamaOptionsSchema } from './options.ts';
import { adviseFewerThreads } from './busy-threads.ts';
import { unheldByGrammar } from './held-keywords.ts';
import { findModelFile } from './model-file.ts';
import { checkPromptBytes } from './answer/prompt-length.ts';
import { tryChatTemplate } from './answer/chat-template.ts';
import { areChats, checkChats } from '../request/check-chats.ts';
import { noChatTemplate } from '../request/no-chat-template.ts';
import { withTemplateKeys } from '../request/template-keys.ts';
import { startChild } from '../subprocess/start-child.ts';
import { startWorkerProcess } from '../subprocess/worker-process.ts';

export async function openLlamaCpp(request: OpenRequest): Promise<Backend> {
  if (request.chatTemplate !== null) tryChatTemplate(request.chatTemplate);
  const schema = await llamaOptionsSchema();
  const file = await findModelFile(request.model);
  const settings = engineSettings(request, schema.parse(request.options), file);
  const advice = await adviseFewerThreads(request, settings);
  request.onNotice(`llama-cpp: loading ${request.model} (${formatBytes(file.bytes)})`, 'detail');
  const startedAt = performance.now();
  const worker = await startWorkerProcess<EngineInfo>(
    {
      name: 'llama-cpp',
      connect: () => startChild({ file: process.execPath, arguments: [workerPath()] }),
      settings: () => settings,
    },
    request,
  );
  try {
    await checkTemplate(request, worker.info);
  } catch (error) {
    await worker.close();
    throw error;
  }
  const loadMs = performance.now() - startedAt;
  // A context for embeddings has one sequence. A second request waits in the engine, so that it never waits for us.
  const slots = worker.info.makesText ? settings.sequences : 1;
  request.onNotice(describe(settings, slots, worker.info), 'detail');
  if (advice !== null && worker.info.device === 'CPU') request.onNotice(advice);
  await tellOfUnusedGpu(request, settings, worker.info);
  return {
    info: {
      model: request.model,
      modelDigest: file.digest,
      version: `node-llama-cpp ${worker.info.version}`,
      loadMs,
      device: worker.info.device,
      unheldKeywords: unheldByGrammar,
    },
    limits: {
      slots,
      suggestedWorkers: worker.info.makesText ? slots : 2,
      ...(worker.info.makesText ? {} : { fixedSlots: 'llama-cpp makes one embedding at a time' }),
      contextTokens: worker.info.contextTokens,
    },
    async generate(asked, context) {
      const body = templateBody(asked.body, worker.info);
      return tooLong(asked, worker.info) ?? worker.generate({ ...asked, body }, context);
    },
    supervision: { pid: worker.pid, restart: worker.restart, isStarting: worker.isStarting },
    close: worker.close,
  };
}

/** What would fail for each request is said once, before the first. */
async function checkTemplate(request: OpenRequest, info: EngineInfo): Promise<void> {
  if (!info.makesText) return;
  if (info.template === null && (await areChats(request))) throw noChatTemplate(request.model, info.fittingTemplates);
  await checkChats(request, ({ body }) => templateBody(body, info));
}

/** The body in the words of the model's template. */
function templateBody(body: RequestBody, { template, fittingTemplates: fitting }: EngineInfo): RequestBody {
  return template === null ? body : withTemplateKeys(body, { ...thinking, template, fitting });
}

const thinking = {
  engine: 'llama-cpp',
  budget: {
    problem: 'it cannot limit thinking to a number of tokens: use on, off, or a level if the model has levels',
  },
  schemaAdvice: 'use --think off, or remove the schema',
};

/**
 * Refuses a prompt that can't fit, in this process and not in the worker, whose other requests would wait until it has
 * read a prompt of many megabytes.
 */
function tooLong({ body }: BatchRequest, info: EngineInfo): Answer | null {
  try {
    checkPromptBytes(body, info);
    return null;
  } catch (error) {
    if (error instanceof EngineError) return failure(error.kind, error.message);
    throw error;
  }
}

/** The worker is plain JavaScript: the sources, as the tests run them, take the built one. */
function workerPath(): string {
  const path = import.meta.url.endsWith('.ts') ? '../../../dist/backends/llama-cpp/worker.js' : './worker.js';
  return fileURLToPath(new URL(path, import.meta.url));
}

function describe(settings: EngineSettings, slots: number, info: EngineInfo): string {
  const sequences = `${formatCounted(slots, 'sequence')} of ${formatInteger(info.contextTokens)} tokens`;
  const capped = settings.contextTokens > info.trainedTokens ? ' (all that the model was trained on)' : '';
  return `llama-cpp: ${sequences}${capped}, CPU threads: ${settings.threads}`;
}

/** Nobody waits days for a CPU beside a GPU without having been told. */
async function tellOfUnusedGpu({ onNotice }: OpenRequest, settings: EngineSettings, info: EngineInfo): Promise<void> {
  if (info.device !== 'CPU' || settings.gpu !== 'auto') return;
  const { findGpuBuilds, unusedGpu } = await import('./unused-gpu.ts');
  const { findGpus } = await import('../../machine/find-gpus.ts');
  const unused = unusedGpu(await findGpus(process.env), findGpuBuilds(info.version));
  if (unused !== null) onNotice(`${unused.text}: ${unused.fix.replaceAll('\n', ': ')} (or --option gpu=off)`);
}
