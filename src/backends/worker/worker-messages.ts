import type { Answer } from '../../core/completion.ts';
import type { ErrorKind } from '../../core/errors.ts';
import type { BatchRequest } from '../../core/request.ts';

/**
 * The protocol between a backend and its worker process, the same for every engine: one JSON object a line. Requests
 * come on the worker's standard input, answers go to its file descriptor 3, so that whatever an engine prints to
 * stdout or stderr can't garble them. End of input means: free everything and end.
 */
export type WorkerRequest =
  /** The first line. The settings are the engine's own. */
  | { type: 'open'; settings: object }
  | { type: 'generate'; id: number; request: WorkerTask }
  | { type: 'abort'; id: number };

/** What a worker needs to know of a request. */
export type WorkerTask = Pick<BatchRequest, 'id' | 'endpoint' | 'body'>;

export type WorkerAnswer<Info> =
  /** The model is loaded: requests may come. */
  | { type: 'ready'; info: Info }
  /** It can't be loaded; the worker ends. */
  | { type: 'refused'; kind: ErrorKind; message: string; hint?: string }
  | { type: 'activity'; id: number }
  | { type: 'first-token'; id: number }
  /** Comes once for each request that was not aborted. */
  | { type: 'answer'; id: number; answer: Answer };
