import type { Answer } from '../../core/completion.ts';
import type { ErrorKind } from '../../core/errors.ts';
import type { BatchRequest } from '../../core/request.ts';

/** The number of the protocol below; a worker that says another one is of another version of this program. */
export const workerProtocol = 1;

/**
 * The protocol between a backend and its worker process, the same for every engine: one JSON object a line. Requests
 * come on the worker's standard input. Answers go to its file descriptor 3, or to a duplicate of its stdout that it made
 * before the engine could print there, so that nothing can garble them. End of input means: free everything and end.
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
  /** Tokens that the answers in work have so far: the number of the request, then how many. */
  answerTokens?: [id: number, tokens: number][];
}

/** What a worker needs to know of a request. */
export type WorkerTask = Pick<BatchRequest, 'id' | 'endpoint' | 'body'>;

export type WorkerAnswer<Info> =
  /** The first line: before the engine is even looked for. */
  | { type: 'hello'; protocol: number }
  /** The model is loaded: requests may come. */
  | { type: 'ready'; info: Info }
  /** It can't be loaded; the worker ends. */
  | { type: 'refused'; kind: ErrorKind | 'usage'; message: string; hint?: string | null }
  /** `tokens`: those that the answer has so far, from an engine that counts them. */
  | { type: 'activity'; id: number; tokens?: number }
  | { type: 'first-token'; id: number }
  /** Once a second while it works, from an engine that has such numbers. Tokens are counted from its start. */
  | ({ type: 'stats' } & WorkerStats)
  /** Comes once for each request that was not aborted. */
  | { type: 'answer'; id: number; answer: Answer };

/** How a program ended that there is not. */
export const isAbsent = 'is not there';

/** How a worker process is started, and what is to be done with what it says. */
export interface WorkerSpec {
  /** The backend's name, for messages. */
  name: string;
  file: string;
  arguments: string[];
  /** What the worker is opened with, asked for at each start. */
  settings: () => object;
  /** Variables beside those that it inherits. */
  environment?: Record<string, string>;
  /** Its answers come on its stdout, which it keeps to itself; else on its file descriptor 3. */
  answersOnStdout?: boolean;
  /** It leads a group of processes of its own, which ends with it; a terminal's Ctrl-C does not reach it. */
  leadsGroup?: boolean;
  /** What it prints is appended to this file. */
  logFile?: string | null;
  onLog?: (line: string) => void;
  onStats?: (stats: WorkerStats) => void;
  /**
   * What its end means, by what it printed last, with how it ended as the last line. `info` is what it had said of itself, null
   * before it was ready. Null: it crashed.
   */
  explainEnd?: (log: readonly string[], info: unknown) => EndReason | null;
  /** What it means that it ended before it said a word: no such file, or another program. */
  notStarted?: (how: string) => EndReason;
}

/** Why a worker ended. */
export interface EndReason {
  kind: ErrorKind;
  message: string;
  hint?: string;
}
