import { parse, stringify } from 'ndjson';
import { failure } from '../../core/completion.ts';
import { EngineError, UsageError } from '../../core/errors.ts';
import { createDeferred } from '../../async/deferred.ts';
import {
  type WorkerAnswer,
  type WorkerChannel,
  type WorkerRequest,
  workerProtocol,
  type EndReason,
  type WorkerSpec,
  isAbsent,
} from './protocol.ts';
import { type WorkerTasks, createTasks } from './worker-tasks.ts';

/** One worker, from its start to its end. */
export interface WorkerConnection<Info> extends Pick<WorkerTasks, 'generate' | 'silentMs'> {
  readonly pid: number | null;
  /** Resolves when the worker is ready; rejects with an `EngineError` when it refuses or ends before. */
  readonly ready: Promise<Info>;
  isReady: () => boolean;
  clearPromptCache: () => void;
  /** Ends the worker at once; what it worked on fails as `engine-crashed`, for this reason. */
  kill: (reason: string) => Promise<void>;
  /** Asks the worker to end, and ends it after eight seconds: vLLM's own end takes four or five. */
  close: () => Promise<void>;
}

const closeMs = 8000;

/**
 * Starts a worker. `onEnd` is called when it has ended, before its requests fail: the message is a sentence,
 * with what it printed last on the lines after it.
 */
export function connectWorker<Info>(spec: WorkerSpec, onEnd: (reason: EndReason) => void): WorkerConnection<Info> {
  const channel = spec.connect();
  const send = createSender(channel);
  const tasks = createTasks(send);
  const ready = createDeferred<Info>();
  const state = { reason: null as string | null, isGreeted: false, info: null as Info | null };

  const kill = (why: string): Promise<void> => {
    state.reason ??= why;
    channel.kill();
    return ended;
  };
  const refuse = (error: Error): void => {
    ready.reject(error);
    void kill('could not load the model');
  };
  const answers = channel.answers.pipe(parse()).on('error', () => void kill('wrote what is no JSON to its answers'));
  answers.on('data', (said: WorkerAnswer<Info>) => {
    const answer = isFailure(said) ? channel.redact.inValue(said) : said;
    if (answer.type === 'hello') state.isGreeted = answer.protocol === workerProtocol;
    if (!state.isGreeted) return refuse(otherVersion(spec.name));
    if (answer.type === 'ready') return ready.resolve((state.info = answer.info));
    if (answer.type === 'refused') return refuse(refusalOf(answer));
    if (answer.type === 'stats') spec.onStats?.(answer);
    if (answer.type !== 'hello') tasks.receive(answer);
  });
  const ended = channel.ended.then(({ how, isMissing }) => {
    const reason = reasonOf(spec, channel, { ...state, how: isMissing ? isAbsent : (state.reason ?? how) });
    onEnd(reason);
    ready.reject(new EngineError(reason.kind, reason.message, reason.hint));
    tasks.failAll(failure(reason.kind, reason.message));
  });
  ready.promise.catch(() => {});
  send({ type: 'open', settings: spec.settings() });

  return {
    pid: channel.pid,
    ready: ready.promise,
    isReady: () => state.info !== null,
    clearPromptCache: () => send({ type: 'forget-prompts' }),
    generate: tasks.generate,
    silentMs: tasks.silentMs,
    kill,
    async close() {
      state.reason ??= 'was closed';
      channel.requests.end();
      const timer = setTimeout(() => void kill('did not end'), closeMs);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** Only failures are redacted: what a model answers is left as it is, since it never saw the secrets of its engine. */
const isFailure = (answer: WorkerAnswer<unknown>): boolean =>
  answer.type === 'refused' || (answer.type === 'answer' && answer.answer.status === 'failed');

function createSender({ requests: input }: WorkerChannel): (request: WorkerRequest) => void {
  const requests = stringify();
  requests.pipe(input);
  return (request) => {
    if (input.writable) requests.write(request);
  };
}

/** Why a worker ended: by what it printed, unless we ended it. */
function reasonOf(
  spec: WorkerSpec,
  { log }: WorkerChannel,
  { how, reason, isGreeted, info }: { how: string; reason: string | null; isGreeted: boolean; info: unknown },
): EndReason {
  const known = isGreeted
    ? reason === null
      ? spec.explainEnd?.([...log.lines(), how], info)
      : null
    : spec.notStarted?.(how);
  if (known) return known;
  const cause = log.lines().findLast((line) => /\b[\w.]*(Error|Exception): \S/.test(line));
  const because = cause === undefined ? '' : ` (${cause.trim().slice(0, 300)})`;
  // A request that fails in a run is no place for a log that has a file of its own.
  const details = info !== null && spec.hasLogFile === true ? '' : log.text();
  return { kind: 'engine-crashed', message: `The ${spec.name} process ${how}${because}.${details}` };
}

const otherVersion = (name: string): EngineError =>
  new EngineError('unusable', `The ${name} worker is of another version of llmbatch.`, 'Install llmbatch again.');

function refusalOf({ kind, message, hint }: Extract<WorkerAnswer<unknown>, { type: 'refused' }>): Error {
  const next = hint ?? undefined;
  return kind === 'usage' ? new UsageError(message, next) : new EngineError(kind, message, next);
}
