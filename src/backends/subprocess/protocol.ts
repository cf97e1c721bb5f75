import type { Readable, Writable } from 'node:stream';
import type { Answer } from '../../core/completion.ts';
import type { ErrorKind } from '../../core/errors.ts';
import type { BatchRequest } from '../../core/request.ts';
import type { Redaction } from '../../text/redaction.ts';
import type { WorkerLog } from './worker-log.ts';

/** The number of the protocol below; a worker that says another one is of another version of this program. */
export const workerProtocol = 1;

/**
 * The protocol between a backend and its worker process, the same for every engine: one JSON object a line. Requests
 * come on the worker's standard input. Answers go to its file descriptor 3, or to a duplicate of its stdout that it
 * made before the engine could print there, so that nothing can garble them. End of input means: free everything and
 * end.
 */
export type WorkerRequest =
  /** The first line. The settings are the engine's own. */
  | { type: 'open'; settings: object }
  | { type: 'generate'; id: number; request: WorkerTask }
  | { type: 'abort'; id: number }
  /** Nothing is in flight, and what comes is not to find its prompts in a cache. For engines that keep whole ones. */
  | { type: 'forget-prompts' };

export interface WorkerStats {
  running: number;
  waiting: number;
  /** Share of the KV cache in use, 0 to 1. */
  kvUsage: number;
  promptTokens: number;
  generationTokens: number;
  /** Requests that had to give their place in the KV cache up, from the start; null or absent where nobody counts them. */
  preemptions?: number | null;
}

/**
 * How far a request in work is: its number, the tokens of its answer so far, and the tokens of its prompt that were
 * computed and that were found in the cache so far, from an engine that tells them.
 */
export type TaskProgress = [id: number, tokens: number, promptComputed?: number, promptCached?: number];

/** The part of a request that a worker needs. */
export type WorkerTask = Pick<BatchRequest, 'id' | 'endpoint' | 'body'>;

export type WorkerAnswer<Info> =
  /** The first line: before the engine is even looked for. */
  | { type: 'hello'; protocol: number }
  /** The model is loaded: requests may come. */
  | { type: 'ready'; info: Info }
  /** It can't be loaded; the worker ends. */
  | { type: 'refused'; kind: ErrorKind | 'usage'; message: string; hint?: string | null }
  | { type: 'activity'; id: number }
  | { type: 'first-token'; id: number }
  /** Sent once or twice a second, of the requests that went on since; a sign of life of each. */
  | { type: 'progress'; tasks: TaskProgress[] }
  /** Sent twice a second while the engine works, where it has such numbers. Tokens are counted from its start. */
  | ({ type: 'stats' } & WorkerStats)
  /** Comes once for each request that was not aborted. */
  | { type: 'answer'; id: number; answer: Answer };

/** End of a program that does not exist, as the end of a sentence. */
export const isAbsent = 'is not there';

/** Describes how a worker is started, and what is done with what it says. */
export interface WorkerSpec {
  /** The backend's name, for messages. */
  name: string;
  /** Starts a worker and opens the channel to it. */
  connect: () => WorkerChannel;
  /** Returns what the worker is opened with; called at each start. */
  settings: () => object;
  /** Says that a file has all that the worker prints, so that messages of a loaded one leave it out. */
  hasLogFile?: boolean;
  onStats?: (stats: WorkerStats) => void;
  /**
   * Explains the end of a worker by what it printed last; the last line says how it ended. `info` is what it had said
   * of itself, null before it was ready. Null means that it crashed.
   */
  explainEnd?: (log: readonly string[], info: unknown) => EndReason | null;
  /** Explains the end of a worker that never said a word: there is no such file, or it is another program. */
  notStarted?: (how: string) => EndReason;
}

/** The way to a worker, wherever it runs. */
export interface WorkerChannel {
  /** Id of its process; null where that is on another machine. */
  readonly pid: number | null;
  readonly requests: Writable;
  readonly answers: Readable;
  readonly log: WorkerLog;
  /** Takes out what its variables hold of secrets: an engine may print and say them. */
  readonly redact: Redaction;
  /** Resolves to how the worker ended, as the end of a sentence; `isMissing` says that there is no such program. */
  readonly ended: Promise<WorkerEnd>;
  kill: () => void;
}

export interface WorkerEnd {
  how: string;
  isMissing: boolean;
}

/** Why a worker ended. */
export interface EndReason {
  kind: ErrorKind;
  message: string;
  hint?: string;
}
