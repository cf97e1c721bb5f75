import { fileURLToPath } from 'node:url';
import type { Backend, OpenRequest } from '../../core/backend.ts';
import { type Answer, failure } from '../../core/completion.ts';
import { EngineError } from '../../core/errors.ts';
import { formatBytes, formatCounted, formatInteger } from '../../text/format.ts';
import type { BatchRequest, RequestBody } from '../../core/request.ts';
import {
  type EngineInfo,
  type EngineSettings,
  type LlamaOptions,
  engineSettings,
  llamaOptionsSchema,
} from './options.ts';
import { findFewerThreads } from './threads/busy-threads.ts';
import type { ChosenThreads } from './threads/choose-threads.ts';
import { unheldByGrammar } from './held-keywords.ts';
import { type ModelFile, findModelFile } from './model-file.ts';
import { checkPromptBytes } from './answer/prompt-length.ts';
import { tryChatTemplate } from './answer/chat-template.ts';
import { areChats, checkChats } from '../request/check-chats.ts';
import { noChatTemplate } from '../request/no-chat-template.ts';
import { withTemplateKeys } from '../request/template-keys.ts';
import { type ServerChoice, chooseServer, takeLibrary } from './server/choose-server.ts';
import { serverSettings } from './server/server-settings.ts';
import { freeSocket } from './server/socket-folder.ts';
import { startChild } from '../subprocess/start-child.ts';
import { startWorkerProcess } from '../subprocess/worker-process.ts';

export async function openLlamaCpp(request: OpenRequest): Promise<Backend> {
  if (request.chatTemplate !== null) tryChatTemplate(request.chatTemplate);
  const schema = await llamaOptionsSchema();
  const file = await findModelFile(request.model);
  const options = schema.parse(request.options);
  const choice = await chooseServer(options.server, { gpu: options.gpu, form: request.form });
  request.onNotice(`llama-cpp: loading ${request.model} (${formatBytes(file.bytes)})`, 'detail');
  request.onStep?.(`loading the model (${formatBytes(file.bytes)})`);
  const startedAt = performance.now();
  const { worker, settings, form } = await startChoice(request, { file, options, choice });
  const loadMs = performance.now() - startedAt;
  // A context for embeddings has one sequence. A second request waits in the engine, so that it never waits for us.
  const slots = worker.info.makesText ? settings.sequences : 1;
  request.onNotice(describe(settings, slots, worker.info), 'detail');
  await tellOfUnusedGpu(request, settings, worker.info);
  return {
    info: {
      model: request.model,
      modelDigest: file.digest,
      version: versionOf(settings, worker.info),
      form,
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

interface FormChoice {
  file: ModelFile;
  options: LlamaOptions;
  choice: ServerChoice;
}

/** Starts the form that was chosen; where that is a server that nobody named, and it does not start, the library. */
async function startChoice(request: OpenRequest, chosen: FormChoice) {
  try {
    return await startForm(request, chosen);
  } catch (error) {
    const isNamed = chosen.choice.form !== 'llama-server' || request.form === 'llama-server';
    if (isNamed || !(error instanceof EngineError) || error.hint !== takeLibrary) throw error;
    request.onNotice(`llama-cpp takes the library: ${error.message.split('\n', 1)[0]}`);
    return startForm(request, {
      ...chosen,
      choice: { server: null, why: 'the server does not start', form: 'library' },
    });
  }
}

async function startForm(request: OpenRequest, { file, options, choice }: FormChoice) {
  const { server: found, why, form } = choice;
  request.onNotice(`llama-cpp: ${found === null ? 'the library' : `llama-server ${found.version}`}: ${why}`, 'detail');
  const server = found && (await serverSettings(found, options.gpu));
  const usual = engineSettings(request, options, { file, server });
  const fewer = await findFewerThreads(request, usual);
  // A server tries no threads.
  const settings = server === null || fewer === null ? usual : { ...usual, threads: fewer.threads };
  const worker = await startWorker(request, settings);
  if (fewer !== null && hasUntriedThreads(worker.info)) request.onNotice(server === null ? fewer.advice : fewer.notice);
  return { worker, settings, form };
}

/** Starts the worker, and checks that the model takes what the requests are. Its end frees the socket of its server. */
async function startWorker(request: OpenRequest, settings: EngineSettings) {
  const { server } = settings;
  const free = (): Promise<void> => freeSocket(server?.socket ?? null);
  try {
    const worker = await startWorkerProcess<EngineInfo>(
      {
        name: 'llama-cpp',
        // A server of its own gets no Ctrl-C, and ends with it.
        connect: () => startChild({ file: process.execPath, arguments: [workerPath()], leadsGroup: server !== null }),
        settings: () => settings,
      },
      request,
    );
    await checkTemplate(request, worker.info).catch(async (error: unknown) => {
      await worker.close();
      throw error;
    });
    return { ...worker, close: async () => worker.close().then(free, free) };
  } catch (error) {
    await free();
    throw error;
  }
}

/** What makes the texts is named first. */
function versionOf({ server }: EngineSettings, { version, makesText }: EngineInfo): string {
  const library = `node-llama-cpp ${version}`;
  return server === null || !makesText ? library : `llama-server ${server.version}, ${library} for the tokens`;
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
  return `llama-cpp: ${sequences}${capped}, CPU threads: ${threadsText(info.threads)}`;
}

const hasUntriedThreads = ({ device, threads }: EngineInfo): boolean => device === 'CPU' && threads.trials.length === 0;

const timeOf = (ms: number): string => `${Math.round(ms)} ms`;

/** The threads, and why so many: `1 (a small batch took 15 ms; 36 ms with 2)`. */
function threadsText({ threads, trials }: ChosenThreads): string {
  const taken = trials.find((trial) => trial.threads === threads);
  if (taken === undefined) return String(threads);
  const others = trials
    .filter((trial) => trial !== taken)
    .map((trial) => `; ${timeOf(trial.ms)} with ${trial.threads}`);
  return `${threads} (a small batch took ${timeOf(taken.ms)}${others.join('')})`;
}

/** Nobody waits days for a CPU beside a GPU without having been told. */
async function tellOfUnusedGpu({ onNotice }: OpenRequest, settings: EngineSettings, info: EngineInfo): Promise<void> {
  if (info.device !== 'CPU' || settings.gpu !== 'auto') return;
  const { findGpuBuilds, unusedGpu } = await import('./unused-gpu.ts');
  const { findGpus } = await import('../../machine/find-gpus.ts');
  const unused = unusedGpu(await findGpus(process.env), findGpuBuilds(info.version));
  if (unused !== null) onNotice(`${unused.text}: ${unused.fix.replaceAll('\n', ': ')} (or --option gpu=off)`);
}
