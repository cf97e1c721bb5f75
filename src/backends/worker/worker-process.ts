import type { GenerateContext } from '../../core/backend.ts';
import { type Answer, failure } from '../../core/completion.ts';
import { EngineError } from '../../core/errors.ts';
import type { BatchRequest } from '../../core/request.ts';
import { createDeferred } from './deferred.ts';
import type { WorkerConnection } from './worker-connection.ts';
import type { WorkerSpec } from './worker-spec.ts';

/** A worker that is started again when it dies. */
export interface WorkerProcess<Info> {
  /** What the worker said of itself when it was ready. */
  readonly info: Info;
  /** The live process; null while there is none. */
  pid: () => number | null;
  /** As `Backend.generate`. A worker that dies fails what it had as `engine-crashed`; the next request starts another. */
  generate: (request: BatchRequest, context: GenerateContext) => Promise<Answer>;
  /** Ends a worker that hangs. */
  restart: () => Promise<void>;
  /** Starts a worker that died again, and waits for it; false where none had died. Throws an `EngineError` where it can't be. */
  recover: (signal: AbortSignal) => Promise<boolean>;
  /** Deaths without one completed answer since. */
  crashes: () => number;
  close: () => Promise<void>;
}

/** Deaths without one completed answer between them, after which the engine is given up. */
const maxCrashes = 5;

/** Starts a worker process and waits until it is ready. Throws an `EngineError` when it can't be. */
export async function startWorkerProcess<Info>(
  spec: WorkerSpec,
  { signal, onRestart }: { signal: AbortSignal; onRestart: (reason: string) => void },
): Promise<WorkerProcess<Info>> {
  const { connectWorker } = await import('./worker-connection.ts');
  let connection: WorkerConnection<Info> | null = null;
  let isClosed = false;
  let crashes = 0;
  let lastEnd = '';

  const connect = (): WorkerConnection<Info> => {
    connection = connectWorker<Info>(spec, (how) => {
      connection = null;
      crashes++;
      lastEnd = how;
    });
    return connection;
  };
  const reconnect = (): WorkerConnection<Info> => {
    if (!isClosed) onRestart(lastEnd.split('\n', 1)[0] ?? lastEnd);
    return connect();
  };
  const refusal = (): Answer | null => {
    if (isClosed) return failure('engine-crashed', `The ${spec.name} engine is closed.`);
    return crashes < maxCrashes ? null : failure('unusable', givenUp(lastEnd));
  };

  const first = connect();
  const info = await unlessAborted(first.ready, signal).catch(async (error: unknown) => {
    await first.kill('was not wanted any more');
    throw error;
  });

  return {
    info,
    pid: () => connection?.pid ?? null,
    async generate(request, context) {
      context.signal.throwIfAborted();
      const refused = refusal();
      if (refused !== null) return refused;
      const answer = await ask(connection ?? reconnect(), request, context);
      if (answer.status === 'completed') crashes = 0;
      return answer;
    },
    restart: async () => connection?.kill('gave no sign of life and was ended'),
    async recover(stop) {
      if (connection !== null && crashes === 0) return false;
      const refused = refusal();
      if (refused?.status === 'failed') throw new EngineError(refused.kind, refused.message);
      await unlessAborted((connection ?? reconnect()).ready, stop);
      return true;
    },
    crashes: () => crashes,
    async close() {
      isClosed = true;
      await connection?.close();
    },
  };
}

const givenUp = (how: string): string => `${maxCrashes} crashes without one answer between them. ${how}`;

async function ask(
  connection: WorkerConnection<unknown>,
  request: BatchRequest,
  context: GenerateContext,
): Promise<Answer> {
  try {
    await unlessAborted(connection.ready, context.signal);
  } catch (error) {
    if (error instanceof EngineError) return failure(error.kind, error.message);
    throw error;
  }
  return connection.generate(request, context);
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const aborted = createDeferred<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
