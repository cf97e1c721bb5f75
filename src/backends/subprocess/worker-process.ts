import { raceAbort } from '../../async/abort.ts';
import type { GenerateContext } from '../../core/backend.ts';
import { type Answer, type Failure, failure } from '../../core/completion.ts';
import { EngineError } from '../../core/errors.ts';
import type { BatchRequest } from '../../core/request.ts';
import type { EndReason, WorkerSpec } from './protocol.ts';
import { type Quarantine, createQuarantine } from './quarantine.ts';
import { type WorkerConnection, connectWorker } from './worker-connection.ts';

/** A worker that is started again when it dies. */
export interface WorkerProcess<Info> {
  /** Starts the worker where none is alive, and resolves when it is ready. Rejects with an `EngineError` when it can't be. */
  ready: (signal: AbortSignal) => Promise<Info>;
  /** Says whether requests may go to it now. */
  isReady: () => boolean;
  /** Says whether the worker is being loaded. */
  isStarting: () => boolean;
  /** Id of the live process; null while there is none on this machine. */
  pid: () => number | null;
  /**
   * Answers one request, as `Backend.generate` does. A worker that dies fails what it had as `engine-crashed`; the next
   * request starts another.
   */
  generate: (request: BatchRequest, context: GenerateContext) => Promise<Answer>;
  /** Milliseconds since it last told that a request goes on, or since it got its first one behind a time without any. */
  silentMs: () => number;
  /** Why it is not started any more; null while it is. */
  refusal: () => Failure | null;
  /** Empties the engine's cache of prompts, as `Inspection.clearPromptCache` does. */
  clearPromptCache: () => void;
  /** Ends a worker that hangs. */
  restart: () => Promise<void>;
  close: () => Promise<void>;
  /** Ends it at once. */
  kill: () => Promise<void>;
}

interface Watcher {
  /** Called when a worker is started again, with the reason for which the one before ended. */
  onRestart: (reason: string) => void;
  /** Called when a worker has ended, before its requests fail. */
  onEnd?: () => void;
}

/** Deaths without one completed answer between them, after which the engine is given up. */
const maxDeaths = 5;

/** Starts a worker and waits until it is ready. Throws an `EngineError` when it can't be. */
export async function startWorkerProcess<Info>(
  spec: WorkerSpec,
  { signal, onRestart }: { signal: AbortSignal; onRestart: (reason: string) => void },
): Promise<WorkerProcess<Info> & { readonly info: Info }> {
  const worker = createWorkerProcess<Info>(spec, { onRestart });
  const info = await worker.ready(signal).catch(async (error: unknown) => {
    await worker.kill();
    throw error;
  });
  return { ...worker, info };
}

/** A worker that nothing has started so far. */
export function createWorkerProcess<Info>(spec: WorkerSpec, watcher: Watcher): WorkerProcess<Info> {
  const quarantine = createQuarantine(() => link.noteAnswer());
  const link = createLink<Info>(spec, watcher, quarantine);
  return {
    ready: async (signal) => raceAbort(link.connected().ready, signal),
    isReady: () => link.current()?.isReady() === true,
    isStarting: () => link.current()?.isReady() === false,
    pid: () => link.current()?.pid ?? null,
    async generate(request, context) {
      context.signal.throwIfAborted();
      const asking = async (): Promise<Answer> => link.refusal() ?? ask(link.connected(), request, context);
      const answer = await quarantine.pass(request.id, asking, context.signal);
      if (answer.status === 'completed') link.noteAnswer();
      return answer;
    },
    silentMs: () => link.current()?.silentMs() ?? 0,
    refusal: link.refusal,
    clearPromptCache: () => link.current()?.clearPromptCache(),
    restart: async () => link.current()?.kill('gave no sign of life and was ended'),
    close: link.close,
    kill: async () => link.current()?.kill('was ended'),
  };
}

interface Link<Info> {
  current: () => WorkerConnection<Info> | null;
  /** The worker, started again where it had died. */
  connected: () => WorkerConnection<Info>;
  /** Why nothing is asked any more. */
  refusal: () => Failure | null;
  noteAnswer: () => void;
  close: () => Promise<void>;
}

/** The worker that there is now, and the next one when that has died. */
function createLink<Info>(spec: WorkerSpec, { onRestart, onEnd }: Watcher, quarantine: Quarantine): Link<Info> {
  let connection: WorkerConnection<Info> | null = null;
  let isClosed = false;
  /** Deaths without one completed answer since, but for those by a lack of memory. */
  let deaths = 0;
  let last: EndReason | null = null;

  const noteEnd = (reason: EndReason): void => {
    connection = null;
    last = reason;
    // Too much at once is no single request's fault: the scheduler lowers the workers, or ends the run.
    if (reason.kind !== 'out-of-memory') quarantine.onDeath(++deaths);
    onEnd?.();
  };
  return {
    current: (): WorkerConnection<Info> | null => connection,
    connected(): WorkerConnection<Info> {
      if (connection === null && last !== null && !isClosed) onRestart(last.message.split('\n', 1)[0] ?? '');
      connection ??= connectWorker(spec, noteEnd);
      return connection;
    },
    refusal(): Failure | null {
      if (isClosed) return failure('engine-crashed', `The ${spec.name} engine is closed.`);
      if (deaths < maxDeaths) return null;
      return failure('unusable', `${maxDeaths} crashes without one answer between them. ${last?.message}`);
    },
    noteAnswer(): void {
      deaths = 0;
    },
    async close(): Promise<void> {
      isClosed = true;
      await connection?.close();
    },
  };
}

async function ask(
  connection: WorkerConnection<unknown>,
  request: BatchRequest,
  context: GenerateContext,
): Promise<Answer> {
  try {
    await raceAbort(connection.ready, context.signal);
  } catch (error) {
    if (error instanceof EngineError) return failure(error.kind, error.message);
    throw error;
  }
  return connection.generate(request, context);
}
