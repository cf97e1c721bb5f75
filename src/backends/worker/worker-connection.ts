import { type Readable, Writable } from 'node:stream';
import { execa } from 'execa';
import { parse, stringify } from 'ndjson';
import type { GenerateContext } from '../../core/backend.ts';
import { type Answer, failure } from '../../core/completion.ts';
import { EngineError } from '../../core/errors.ts';
import type { BatchRequest } from '../../core/request.ts';
import { createDeferred } from './deferred.ts';
import type { WorkerAnswer, WorkerRequest } from './worker-messages.ts';

export interface WorkerSpec {
  /** The backend's name, for messages. */
  name: string;
  file: string;
  arguments: string[];
  /** What the worker is opened with. */
  settings: object;
}

/** One worker process, from its start to its end. */
export interface WorkerConnection<Info> {
  readonly pid: number | null;
  /** Resolves when the worker is ready; rejects with an `EngineError` when it refuses or ends before. */
  readonly ready: Promise<Info>;
  generate: (request: BatchRequest, context: GenerateContext) => Promise<Answer>;
  /** Ends the process at once; what it worked on fails as `engine-crashed`, for this reason. */
  kill: (reason: string) => Promise<void>;
  /** Asks the process to end, and ends it after five seconds. */
  close: () => Promise<void>;
}

const closeMs = 5000;
/** How long the pipes of an ended process are still read: a grandchild may hold them open. */
const drainMs = 1000;

/**
 * Starts a worker process. `onEnd` is called when it has ended, before its requests fail: with a sentence, and what it
 * printed last on the lines after it.
 */
export function connectWorker<Info>(spec: WorkerSpec, onEnd: (how: string) => void): WorkerConnection<Info> {
  const child = execa(spec.file, spec.arguments, {
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    buffer: false,
    reject: false,
  });
  const output = createTail([child.stdout, child.stderr]);
  const send = createSender(child.stdin);
  const tasks = createTasks(send);
  const ready = createDeferred<Info>();
  let reason: string | null = null;

  const answers = child.stdio[3].pipe(parse());
  answers.on('data', (answer: WorkerAnswer<Info>) => {
    if (answer.type === 'ready') return ready.resolve(answer.info);
    if (answer.type !== 'refused') return tasks.receive(answer);
    ready.reject(new EngineError(answer.kind, answer.message, answer.hint));
    void kill('could not load the model');
  });
  answers.on('error', () => void kill('wrote what is no JSON to its answers'));
  child.once('exit', () => setTimeout(() => destroyAll(child.stdio), drainMs).unref());

  const ended = child.then(({ signal, exitCode, shortMessage }) => {
    const how = reason ?? describeEnd({ signal, exitCode, shortMessage });
    const sentence = `The ${spec.name} process ${how}.${output.text()}`;
    onEnd(sentence);
    ready.reject(new EngineError('engine-crashed', sentence));
    tasks.failAll(failure('engine-crashed', sentence));
  });
  const kill = (why: string): Promise<void> => {
    reason ??= why;
    child.kill('SIGKILL');
    return ended;
  };
  ready.promise.catch(() => {});
  send({ type: 'open', settings: spec.settings });

  return {
    pid: child.pid ?? null,
    ready: ready.promise,
    generate: tasks.generate,
    kill,
    async close() {
      reason ??= 'was closed';
      child.stdin.end();
      const timer = setTimeout(() => child.kill('SIGKILL'), closeMs);
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

type TaskAnswer = Extract<WorkerAnswer<unknown>, { id: number }>;

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

/** The last lines that the worker printed, for messages. */
function createTail(streams: readonly Readable[]): { text: () => string } {
  const keptLines = 100;
  const shownLines = 20;
  let kept = '';
  for (const stream of streams) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      kept = (kept + text).split('\n').slice(-keptLines).join('\n');
    });
  }
  return {
    text() {
      const lines = kept.trim().split('\n').slice(-shownLines).join('\n');
      return lines === '' ? '' : `\nIts last output:\n${lines}`;
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
