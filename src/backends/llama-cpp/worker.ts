import { Socket } from 'node:net';
import { parse, stringify } from 'ndjson';
import type { GenerateContext } from '../../core/backend.ts';
import { EngineError } from '../../core/errors.ts';
import {
  type TaskProgress,
  type WorkerAnswer,
  type WorkerRequest,
  type WorkerTask,
  workerProtocol,
} from '../subprocess/protocol.ts';
import { type AnswerRequest, createAnswerRequest } from './answer/answer-request.ts';
import { templateInfo } from './answer/chat-template.ts';
import { createEmbedRequest } from './answer/embed-request.ts';
import type { Generator } from './answer/generator.ts';
import { createSequenceGenerator } from './answer/sequence-generator.ts';
import type { EngineInfo, EngineSettings } from './options.ts';
import { type LoadedEngine, loadEngine } from './load-engine.ts';
import type { ChildServer } from './server/start-child-server.ts';

// The entry of the llama-cpp worker process; see ../subprocess/protocol.ts for what it is told and what it says.

/** The first signs of life of an answer are told at once; how far it is, no more often than this. */
const progressMs = 500;

const answers = stringify();
answers.pipe(new Socket({ fd: 3 }).on('error', leave));
const send = (answer: WorkerAnswer<EngineInfo>): void => void answers.write(answer);

interface Task {
  controller: AbortController;
  progress: Required<TaskProgress>;
  /** Went on since its progress was told. */
  isNews: boolean;
}

/** Requests that run, by the number that the parent gave them. */
const running = new Map<number, Task>();
let engine: AnswerRequest | null = null;
let server: ChildServer | null = null;

// A terminal and `timeout` signal the whole process group. The parent decides when this process ends.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

send({ type: 'hello', protocol: workerProtocol });
process.stdin.pipe(parse()).on('data', (request: WorkerRequest) => {
  if (request.type === 'open') void open(request.settings as EngineSettings);
  else if (request.type === 'generate') void generate(request.id, request.request);
  else if (request.type === 'abort') running.get(request.id)?.controller.abort();
});
process.stdin.on('end', leave).on('error', leave);

/** The parent closed us, or died. An evaluation can't be interrupted, and an exit would wait for it. */
function leave(): void {
  server?.kill();
  if (engine === null || running.size > 0) process.kill(process.pid, 'SIGKILL');
  // oxlint-disable-next-line unicorn/no-process-exit -- an entry of its own, kept alive by the engine's handles
  else process.exit(0);
}

async function open(settings: EngineSettings): Promise<void> {
  try {
    const loaded = await loadEngine(settings);
    engine = await createEngine(loaded, settings);
    setInterval(tellProgress, progressMs);
    send({ type: 'ready', info: { ...loaded.info, ...templateInfo(loaded.model, settings) } });
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const { kind, message, hint } = error;
    send({ type: 'refused', kind, message, ...(hint === undefined ? {} : { hint }) });
  }
}

async function createEngine(loaded: LoadedEngine, settings: EngineSettings): Promise<AnswerRequest> {
  const { context } = loaded;
  if (context === null) return createAnswerRequest(loaded, await openServer(loaded, settings), settings);
  return context instanceof loaded.engine.LlamaContext
    ? createAnswerRequest(loaded, createSequenceGenerator(loaded, context, settings), settings)
    : createEmbedRequest(loaded, context, settings);
}

/** The server ends with this process, and this process with the server. */
async function openServer(loaded: LoadedEngine, { server: its, ...settings }: EngineSettings): Promise<Generator> {
  if (its === null) throw new Error('no server was chosen');
  const { openServerGenerator } = await import('./server/open-generator.ts');
  const generator = await openServerGenerator(loaded, { ...settings, server: its }, (started) => (server = started));
  void server?.ended.then((how) => {
    process.stderr.write(`Error: llama-server ${how}\n`);
    // oxlint-disable-next-line unicorn/no-process-exit -- an entry of its own, and nothing is left to do
    process.exit(1);
  });
  return generator;
}

async function generate(id: number, task: WorkerTask): Promise<void> {
  const controller = new AbortController();
  const { signal } = controller;
  const entry: Task = { controller, progress: [id, 0, 0, 0], isNews: false };
  running.set(id, entry);
  try {
    const answer = await engine?.(task, { signal, ...signsOfLife(entry) });
    if (answer !== undefined && !signal.aborted) send({ type: 'answer', id, answer });
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    running.delete(id);
  }
}

function signsOfLife(
  task: Task,
): Required<Pick<GenerateContext, 'onActivity' | 'onFirstToken' | 'onPrompt' | 'onToken'>> {
  const { progress } = task;
  const id = progress[0];
  return {
    onActivity: () => send({ type: 'activity', id }),
    onFirstToken: () => send({ type: 'first-token', id }),
    onPrompt(computed, cached) {
      progress[2] += computed;
      progress[3] += cached;
      task.isNews = true;
    },
    onToken() {
      progress[1]++;
      task.isNews = true;
    },
  };
}

/** A line for each token would cost more than a small model's token. */
function tellProgress(): void {
  const news = [...running.values()].filter(({ isNews }) => isNews);
  if (news.length === 0) return;
  for (const task of news) task.isNews = false;
  send({ type: 'progress', tasks: news.map(({ progress }) => progress) });
}
