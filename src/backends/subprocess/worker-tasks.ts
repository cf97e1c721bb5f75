import type { GenerateContext } from '../../core/backend.ts';
import { usageOf } from '../../core/attempt-tokens.ts';
import type { Answer } from '../../core/completion.ts';
import type { BatchRequest } from '../../core/request.ts';
import { createDeferred } from '../../async/deferred.ts';
import type { TaskProgress, WorkerAnswer, WorkerRequest, WorkerStats } from './protocol.ts';

type TaskAnswer = Extract<
  WorkerAnswer<unknown>,
  { type: 'answer' | 'activity' | 'first-token' | 'progress' | 'stats' }
>;

/** The requests that a worker has. */
export interface WorkerTasks {
  generate: (request: BatchRequest, context: GenerateContext) => Promise<Answer>;
  receive: (answer: TaskAnswer) => void;
  /** Milliseconds since the worker last told that a request goes on, or since it got its first one behind a time without any. */
  silentMs: () => number;
  failAll: (answer: Answer) => void;
}

interface OpenTask {
  context: GenerateContext;
  resolve: (answer: Answer) => void;
  /** What the context was told of so far: tokens of the answer, and of the prompt. */
  tokens: number;
  promptComputed: number;
  promptCached: number;
}

/** Tells what came since the last time. */
function noteProgress(
  task: OpenTask | undefined,
  [, tokens, promptComputed = 0, promptCached = 0]: TaskProgress,
): void {
  if (task === undefined) return;
  const { context } = task;
  const computed = Math.max(0, promptComputed - task.promptComputed);
  const cached = Math.max(0, promptCached - task.promptCached);
  const made = Math.max(0, tokens - task.tokens);
  if (computed + cached + made === 0) return;
  task.tokens += made;
  task.promptComputed += computed;
  task.promptCached += cached;
  context.onActivity();
  if (computed + cached > 0) context.onPrompt?.(computed, cached);
  if (made > 0) context.onToken?.(made);
}

/**
 * Counts a sign of life for the oldest requests, where an engine tells only that it made tokens: requests run in the
 * order in which they came.
 */
function touchOldest(tasks: Iterable<OpenTask>, running: number): void {
  let left = running;
  for (const { context } of tasks) {
    if (left-- <= 0) return;
    context.onActivity();
  }
}

/** When the worker last told that a request goes on, and how many tokens it had made by then. */
interface LastSign {
  at: number;
  tokens: number;
}

function noteStats({ running, ...stats }: WorkerStats, tasks: Iterable<OpenTask>, sign: LastSign): void {
  const tokens = stats.promptTokens + stats.generationTokens;
  if (tokens === sign.tokens) return;
  Object.assign(sign, { at: performance.now(), tokens });
  touchOldest(tasks, running);
}

export function createTasks(send: (request: WorkerRequest) => void): WorkerTasks {
  const open = new Map<number, OpenTask>();
  let end: Answer | null = null;
  let lastId = 0;
  const sign: LastSign = { at: performance.now(), tokens: 0 };

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
      if (open.size === 0) sign.at = performance.now();
      open.set(id, { context, resolve, tokens: 0, promptComputed: 0, promptCached: 0 });
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
      if (answer.type === 'stats') return noteStats(answer, open.values(), sign);
      if (answer.type === 'progress')
        return answer.tasks.forEach((progress) => noteProgress(open.get(progress[0]), progress));
      sign.at = performance.now();
      const task = open.get(answer.id);
      if (task === undefined) return;
      if (answer.type === 'answer') {
        // What came since it last told.
        noteProgress(task, [answer.id, usageOf(answer.answer)?.completion_tokens ?? 0]);
        return task.resolve(answer.answer);
      }
      if (answer.type === 'activity') return task.context.onActivity();
      noteProgress(task, [answer.id, 1]);
      task.context.onFirstToken();
    },
    silentMs: () => performance.now() - sign.at,
    failAll(answer) {
      end = answer;
      for (const { resolve } of open.values()) resolve(answer);
    },
  };
}
