import type { ResponseBody, Usage } from './completion.ts';
import { isRecord } from '../data/is-record.ts';
import type { ErrorKind } from './errors.ts';

/**
 * One line of the output: OpenAI Batch's shape, and in `llmbatch` what OpenAI's shape has no place for.
 * A success has `response.status_code` 200 and `error` null; a failure has `error`, and `response` null
 * or the server's own status and body. Times are milliseconds.
 *
 * The order of the first keys is part of the format: the resume scan reads them without parsing the line.
 */
export interface ResultLine {
  id: string;
  custom_id: string;
  response: { status_code: number; request_id: string; body: ResponseBody } | null;
  error: { code: ErrorKind; message: string } | null;
  llmbatch: ResultDetails;
}

export interface ResultDetails {
  /** Line of the input, from 1. */
  line: number;
  /** The answer says nothing, and that was allowed. */
  empty?: true;
  /**
   * The JSON was taken out of a markdown fence, or stood behind what the model thought; the answer stays as it came.
   */
  unwrapped?: 'fence' | 'think';
  /** The key whose grammar the answer was not checked against. */
  unchecked?: string;
  /** Number of times that the request was sent; 0 for one that was not, and for a line that never became a request. */
  attempts: number;
  /**
   * Hash of the request together with the settings and the model that decide its answer (`createRequestHash`). Null
   * for a line that never became a request. Absent in lines of version 1.
   */
  request_hash?: string | null;
  backend: string;
  model: string;
  /**
   * The request was not sent: the result is that of the request with this `custom_id`, which the run with this id sent. An
   * answer that was itself taken over names the request that was sent. Absent where the request was sent.
   */
  reused?: { run_id: string; id: string };
  /** The server that answered, by its address; absent where the run has only one. */
  server?: string;
  /** ISO 8601, UTC: the start of the last attempt. */
  started_at: string;
  /** Milliseconds in the engine's own queue; null where the engine does not tell. */
  queue_ms: number | null;
  /** Milliseconds from sending to the first token; null where it wasn't seen. */
  ttft_ms: number | null;
  /** Milliseconds from sending to the whole answer, in the last attempt. */
  latency_ms: number;
  finish?: Record<string, unknown>;
  /**
   * Tokens of the last attempt of a failed request; an answer has them in `response.body.usage`. Null: they were not
   * counted, and so many tokens of the answer had come. Absent: not known.
   */
  usage?: Omit<Usage, 'prompt_tokens' | 'total_tokens'> & { prompt_tokens: number | null; total_tokens?: number };
  /**
   * Cost of the attempts before the last one: tokens as far as they were counted, `uncounted` of the attempts whose
   * tokens nobody counted (they cost more than is said here), and the time from sending to the end, summed. Absent
   * where there were none, or they cost nothing.
   */
  retried?: {
    prompt_tokens: number;
    completion_tokens: number;
    cached_tokens?: number;
    uncounted: number;
    latency_ms: number;
  };
  /** The answer as JSON, with `--schema` or `response_format`. */
  parsed?: unknown;
  /** An answer that was not accepted (cut, empty, not what was asked for), kept for the eye. */
  rejected?: { content: string; finish_reason: string; reasoning?: string; tool_calls?: unknown[] };
  /**
   * The whole row that filled the prompt template; of another line the fields that are no keys of a request. In the file
   * it is the text of the input, digit by digit, and the last key: a result that is yet to be written does not hold it.
   */
  row?: Record<string, unknown>;
  /** Place in a rolling conversation: a `TurnPlace` as it is written. */
  conversation?: { worker: number; turn: number; history: number; since_trim: number };
}

/** Place in a rolling conversation at which a request was answered. */
export interface TurnPlace {
  /** The worker, from 0, whose conversation it is. */
  worker: number;
  /** Number of the turn, from 1. */
  turn: number;
  /** Messages of earlier turns that were sent before the request's own. */
  history: number;
  /** Turns since the history was last trimmed. */
  sinceTrim: number;
}

/**
 * Maximum bytes of a result line: a longer one is recorded as a failure, so that every line that was written can be
 * read again (V8 has no strings beyond 512 MB, and a parsed line takes several times its length).
 */
export const maxResultBytes = 256 * 1024 * 1024;

/** Reads a result line of this version or of version 1; null where the text is not one. */
export function parseResultLine(text: string): ResultLine | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isResultLine(value)) return null;
  const { llmbatch } = value;
  if (llmbatch?.conversation !== undefined) llmbatch.conversation = ofThisVersion(llmbatch.conversation);
  return value;
}

type Conversation = NonNullable<ResultDetails['conversation']>;

/** Version 1 called the worker of a conversation its lane. */
function ofThisVersion(written: Conversation | (Omit<Conversation, 'worker'> & { lane: number })): Conversation {
  if (!isRecord(written) || !('lane' in written)) return written;
  const { lane: worker, ...place } = written;
  return { worker, ...place };
}

function isResultLine(value: unknown): value is ResultLine {
  if (typeof value !== 'object' || value === null) return false;
  const line = value as Partial<ResultLine>;
  return typeof line.custom_id === 'string' && (line.response !== undefined || line.error !== undefined);
}

/** Did the request of this line end with a whole answer? */
export function isSuccess(line: ResultLine): boolean {
  return line.response?.status_code === 200 && (line.error === null || line.error === undefined);
}
