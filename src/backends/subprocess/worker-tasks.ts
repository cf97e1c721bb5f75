import type { GenerateContext } from '../../core/backend.ts';
import type { Answer } from '../../core/completion.ts';
import type { BatchRequest } from '../../core/request.ts';
import { createDeferred } from '../../async/deferred.ts';
import type { WorkerAnswer, WorkerRequest, WorkerStats } from './protocol.ts';

type TaskAnswer = Extract<WorkerAnswer<unknown>, { type: 'answer' | 'activity' | 'first-token' | 'stats' }>;

/** The requests that a worker has. */
export interface WorkerTasks {
  generate: (request: BatchRequest, context: GenerateContext) => Promise<Answer>;
  receive: (answer: TaskAnswer) => void;
  failAll: (answer: Answer) => void;
}

interface OpenTask {
  context: GenerateContext;
  resolve: (answer: Answer) => void;
  /** Tokens of the answer that the context was told of so far. */
  tokens: number;
}

/** Notes the tokens that an attempt has cost so far, in case it breaks off. */
function noteTokens(task: OpenTask | undefined, tokens: number): void {
  if (task === undefined) return;
  for (; task.tokens < tokens; task.tokens++) task.context.onToken?.();
}

export function createTasks(send: (request: WorkerRequest) => void): WorkerTasks {
  const open = new Map<number, OpenTask>();
  let end: Answer | null = null;
  let lastId = 0;
  let tokens = 0;
  /**
   * Counts a sign of life for the oldest requests, where an engine tells only that it made tokens: requests run in the
   * order in which they came.
   */
  const noteStats = ({ running, promptTokens, generationTokens, answerTokens = [] }: WorkerStats): void => {
    for (const [id, count] of answerTokens) noteTokens(open.get(id), count);
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
      open.set(id, { context, resolve, tokens: 0 });
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
      noteTokens(task, answer.type === 'first-token' ? 1 : (answer.tokens ?? 0));
      if (answer.type === 'first-token') task.context.onFirstToken();
    },
    failAll(answer) {
      end = answer;
      for (const { resolve } of open.values()) resolve(answer);
    },
  };
}
