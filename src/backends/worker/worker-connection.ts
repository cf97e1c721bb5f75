import type { Readable, Writable } from 'node:stream';
import { execa } from 'execa';
import { parse, stringify } from 'ndjson';
import type { GenerateContext } from '../../core/backend.ts';
import { type Answer, failure } from '../../core/completion.ts';
import { EngineError, UsageError } from '../../core/errors.ts';
import type { BatchRequest } from '../../core/request.ts';
import { createDeferred } from './deferred.ts';
import { createWorkerLog } from './worker-log.ts';
import { type WorkerAnswer, type WorkerRequest, type WorkerStats, workerProtocol } from './worker-messages.ts';
import type { EndReason, WorkerSpec } from './worker-spec.ts';

/** One worker process, from its start to its end. */
export interface WorkerConnection<Info> {
  readonly pid: number | null;
  /** Resolves when the worker is ready; rejects with an `EngineError` when it refuses or ends before. */
  readonly ready: Promise<Info>;
  generate: (request: BatchRequest, context: GenerateContext) => Promise<Answer>;
  /** Ends the process at once; what it worked on fails as `engine-crashed`, for this reason. */
  kill: (reason: string) => Promise<void>;
  /** Asks the process to end, and ends it after eight seconds: vLLM's own end takes four or five. */
  close: () => Promise<void>;
}

const closeMs = 8000;
/** How long the pipes of an ended process are still read: a grandchild may hold them open. */
const drainMs = 1000;

/**
 * Starts a worker process. `onEnd` is called when it has ended, before its requests fail: with a sentence, and what it
 * printed last on the lines after it.
 */
export function connectWorker<Info>(spec: WorkerSpec, onEnd: (how: string) => void): WorkerConnection<Info> {
  const child = execa(spec.file, spec.arguments, {
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    env: spec.environment ?? {},
    detached: spec.leadsGroup === true,
    buffer: false,
    reject: false,
  });
  const printed = spec.answersOnStdout === true ? [child.stderr] : [child.stdout, child.stderr];
  const log = createWorkerLog(printed, { file: spec.logFile ?? null, onLine: (line) => spec.onLog?.(line) });
  const send = createSender(child.stdin);
  const tasks = createTasks(send);
  const ready = createDeferred<Info>();
  let reason: string | null = null;

  let isGreeted = false;
  let info: Info | null = null;
  const refuse = (error: Error): void => {
    ready.reject(error);
    void kill('could not load the model');
  };
  const receive = (answer: WorkerAnswer<Info>): void => {
    if (answer.type === 'hello') isGreeted = answer.protocol === workerProtocol;
    if (!isGreeted) refuse(otherVersion(spec.name));
    else if (answer.type === 'ready') {
      info = answer.info;
      ready.resolve(info);
    } else if (answer.type === 'refused') refuse(refusalOf(answer));
    else if (answer.type !== 'hello') {
      if (answer.type === 'stats') spec.onStats?.(answer);
      tasks.receive(answer);
    }
  };
  const answers = (spec.answersOnStdout === true ? child.stdout : child.stdio[3]).pipe(parse());
  answers.on('data', receive);
  answers.on('error', () => void kill('wrote what is no JSON to its answers'));
  child.once('exit', () => {
    if (spec.leadsGroup === true) killGroup(child.pid);
    setTimeout(() => destroyAll(child.stdio), drainMs).unref();
  });

  const ended = child.then(({ signal, exitCode, shortMessage, code }) => {
    const how = reason ?? describeEnd({ signal, exitCode, shortMessage });
    // A request that fails in a run is no place for a log that has a file of its own.
    const details = info !== null && spec.logFile ? ` Its log: ${spec.logFile}` : log.text();
    const crash: EndReason = { kind: 'engine-crashed', message: `The ${spec.name} process ${how}.${details}` };
    const known = reason === null ? spec.explainEnd?.([...log.lines(), how], info) : null;
    const { kind, message, hint } = (code === 'ENOENT' ? spec.missing : known) ?? crash;
    onEnd(message);
    ready.reject(new EngineError(kind, message, hint));
    tasks.failAll(failure(kind, message));
  });
  const kill = (why: string): Promise<void> => {
    reason ??= why;
    if (spec.leadsGroup === true) killGroup(child.pid);
    child.kill('SIGKILL');
    return ended;
  };
  ready.promise.catch(() => {});
  send({ type: 'open', settings: spec.settings() });

  return {
    pid: child.pid ?? null,
    ready: ready.promise,
    generate: tasks.generate,
    kill,
    async close() {
      reason ??= 'was closed';
      child.stdin.end();
      const timer = setTimeout(() => void kill('did not end'), closeMs);
      await ended;
      clearTimeout(timer);
    },
  };
}

function createSender(input: Writable): (request: WorkerRequest) => void {
  const requests = stringify();
  // A worker that died leaves a broken pipe; its end is noticed and told elsewhere.
  input.on('error', () => {});
  requests.pipe(input);
  return (request) => {
    if (input.writable) requests.write(request);
  };
}

const otherVersion = (name: string): EngineError =>
  new EngineError('unusable', `The ${name} worker is of another version of llmbatch.`, 'Install llmbatch again.');

function refusalOf({ kind, message, hint }: Extract<WorkerAnswer<unknown>, { type: 'refused' }>): Error {
  return kind === 'usage'
    ? new UsageError(message, hint ?? undefined)
    : new EngineError(kind, message, hint ?? undefined);
}

/** Whatever the worker started goes with it: an engine's own processes keep the GPU's memory. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // There is no process left in it.
  }
}

type TaskAnswer = Extract<WorkerAnswer<unknown>, { type: 'answer' | 'activity' | 'first-token' | 'stats' }>;

interface Tasks {
  generate: (request: BatchRequest, context: GenerateContext) => Promise<Answer>;
  receive: (answer: TaskAnswer) => void;
  failAll: (answer: Answer) => void;
}

/** The requests that the worker has. */
function createTasks(send: (request: WorkerRequest) => void): Tasks {
  const open = new Map<number, { context: GenerateContext; resolve: (answer: Answer) => void }>();
  let end: Answer | null = null;
  let lastId = 0;
  let tokens = 0;
  /** An engine that tells no more than that it made tokens: requests run in the order in which they came. */
  const noteStats = ({ running, promptTokens, generationTokens }: WorkerStats): void => {
    if (promptTokens + generationTokens === tokens) return;
    tokens = promptTokens + generationTokens;
    let left = running;
    for (const { context } of open.values()) {
      if (left-- <= 0) return;
      context.onActivity();
    }
  };

  return {
    async generate({ id: requestId, endpoint, body }, context) {
      context.signal.throwIfAborted();
      if (end !== null) return end;
      const id = ++lastId;
      const { promise, resolve, reject } = createDeferred<Answer>();
      const onAbort = (): void => {
        send({ type: 'abort', id });
        reject(context.signal.reason);
      };
      open.set(id, { context, resolve });
      context.signal.addEventListener('abort', onAbort, { once: true });
      send({ type: 'generate', id, request: { id: requestId, endpoint, body } });
      try {
        return await promise;
      } finally {
        open.delete(id);
        context.signal.removeEventListener('abort', onAbort);
      }
    },
    receive(answer) {
      if (answer.type === 'stats') return noteStats(answer);
      const task = open.get(answer.id);
      if (task === undefined) return;
      if (answer.type === 'answer') return task.resolve(answer.answer);
      task.context.onActivity();
      if (answer.type === 'first-token') task.context.onFirstToken();
    },
    failAll(answer) {
      end = answer;
      for (const { resolve } of open.values()) resolve(answer);
    },
  };
}

function describeEnd(end: {
  signal: string | undefined;
  exitCode: number | undefined;
  shortMessage: string | undefined;
}): string {
  if (end.signal === 'SIGKILL') return 'was ended by SIGKILL (the system does this when memory runs out)';
  if (end.signal !== undefined) return `was ended by ${end.signal}`;
  return end.exitCode === undefined ? `could not be started: ${end.shortMessage}` : `ended with code ${end.exitCode}`;
}

function destroyAll(streams: readonly unknown[]): void {
  for (const stream of streams) (stream as Readable | Writable | null)?.destroy();
}
