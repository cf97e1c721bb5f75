import type { GenerateContext } from '../../core/backend.ts';
import { type Answer, type Failure, failure } from '../../core/completion.ts';
import { raceAbort } from '../../async/abort.ts';
import { EngineError } from '../../core/errors.ts';
import type { BatchRequest } from '../../core/request.ts';
import { type Quarantine, createQuarantine } from './quarantine.ts';
import type { WorkerConnection } from './worker-connection.ts';
import type { EndReason, WorkerSpec } from './protocol.ts';

/** A worker that is started again when it dies. */
export interface WorkerProcess<Info> {
  /** Facts that the worker told of itself when it was ready. */
  readonly info: Info;
  /** Id of the live process; null while there is none. */
  pid: () => number | null;
  /**
   * Answers one request, as `Backend.generate` does. A worker that dies fails what it had as `engine-crashed`; the next
   * request starts another.
   */
  generate: (request: BatchRequest, context: GenerateContext) => Promise<Answer>;
  /** Empties the engine's cache of prompts, as `Inspection.clearPromptCache` does. */
  clearPromptCache: () => void;
  /** Says whether the worker is being loaded. */
  isStarting: () => boolean;
  /** Ends a worker that hangs. */
  restart: () => Promise<void>;
  /**
   * Starts a worker that died again, and waits for it; false where none had died. Throws an `EngineError` where it
   * can't be.
   */
  recover: (signal: AbortSignal) => Promise<boolean>;
  close: () => Promise<void>;
  /** Ends it at once. */
  kill: () => Promise<void>;
}

/** Deaths without one completed answer between them, after which the engine is given up. */
const maxDeaths = 5;

/** Starts a worker process and waits until it is ready. Throws an `EngineError` when it can't be. */
export async function startWorkerProcess<Info>(
  spec: WorkerSpec,
  { signal, onRestart }: { signal: AbortSignal; onRestart: (reason: string) => void },
): Promise<WorkerProcess<Info>> {
  const { connectWorker } = await import('./worker-connection.ts');
  const quarantine = createQuarantine(() => link.noteAnswer());
  const link = createLink<Info>({ spec, quarantine, onRestart, connectWorker });
  const first = link.connected();
  const info = await raceAbort(first.ready, signal).catch(async (error: unknown) => {
    await first.kill('was not wanted any more');
    throw error;
  });

  return {
    info,
    pid: () => link.current()?.pid ?? null,
    async generate(request, context) {
      context.signal.throwIfAborted();
      const asking = async (): Promise<Answer> => link.refusal() ?? ask(link.connected(), request, context);
      const answer = await quarantine.pass(request.id, asking, context.signal);
      if (answer.status === 'completed') link.noteAnswer();
      return answer;
    },
    clearPromptCache: () => link.current()?.clearPromptCache(),
    isStarting: () => link.current()?.isReady() === false,
    restart: async () => link.current()?.kill('gave no sign of life and was ended'),
    async recover(stop) {
      if (link.current() !== null && !link.isSuspect()) return false;
      const refused = link.refusal();
      if (refused !== null) throw new EngineError(refused.kind, refused.message);
      await raceAbort(link.connected().ready, stop);
      return true;
    },
    close: link.close,
    kill: async () => link.current()?.kill('was ended'),
  };
}

interface LinkParts<Info> {
  spec: WorkerSpec;
  quarantine: Quarantine;
  onRestart: (reason: string) => void;
  connectWorker: (spec: WorkerSpec, onEnd: (reason: EndReason) => void) => WorkerConnection<Info>;
}

interface Link<Info> {
  current: () => WorkerConnection<Info> | null;
  /** The worker, started again where it had died. */
  connected: () => WorkerConnection<Info>;
  /** Why nothing is asked any more. */
  refusal: () => Failure | null;
  /** Did it die, and was nothing answered since? */
  isSuspect: () => boolean;
  noteAnswer: () => void;
  close: () => Promise<void>;
}

/** The worker that there is now, and the next one when that has died. */
function createLink<Info>({ spec, quarantine, onRestart, connectWorker }: LinkParts<Info>): Link<Info> {
  let connection: WorkerConnection<Info> | null = null;
  let isClosed = false;
  /** Deaths without one completed answer since, but for those by a lack of memory. */
  let deaths = 0;
  let last: EndReason | null = null;

  const onEnd = (reason: EndReason): void => {
    connection = null;
    last = reason;
    // Too much at once is no single request's fault: the scheduler lowers the workers, or ends the run.
    if (reason.kind === 'out-of-memory') return;
    deaths++;
    quarantine.onDeath(deaths);
  };
  return {
    current: (): WorkerConnection<Info> | null => connection,
    connected(): WorkerConnection<Info> {
      if (connection === null && last !== null && !isClosed) onRestart(last.message.split('\n', 1)[0] ?? '');
      connection ??= connectWorker(spec, onEnd);
      return connection;
    },
    refusal(): Failure | null {
      if (isClosed) return failure('engine-crashed', `The ${spec.name} engine is closed.`);
      if (deaths < maxDeaths) return null;
      return failure('unusable', `${maxDeaths} crashes without one answer between them. ${last?.message}`);
    },
    isSuspect: () => deaths > 0,
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
