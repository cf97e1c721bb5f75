import { promptTooLong } from '../../request/window-texts.ts';
import { type Failure, failure } from '../../../core/completion.ts';
import { type ErrorKind, messageOf } from '../../../core/errors.ts';
import { isRecord } from '../../../data/is-record.ts';
import { sentenceOf } from '../../request/refuse.ts';
import {
  BrokenAnswer,
  brokenCode,
  connectionFailure,
  insecureCode,
  insecureFailure,
  isPage,
  isRequestFault,
  outOfMemoryText,
} from '../../http/connection-errors.ts';
import { oneLine } from '../../../text/one-line.ts';
import { parsedOrText } from '../../http/json-text.ts';
import { GarbledLine, HttpFailure } from './http.ts';

/** Turns what a call threw into a failure of its request. A mistake of this program is thrown again. */
export function classifyError(error: unknown): Failure {
  if (error instanceof HttpFailure) return ofStatus(error);
  if (error instanceof BrokenAnswer) return failure(error.kind, error.message);
  if (error instanceof GarbledLine || error instanceof SyntaxError)
    return failure('invalid-response', `The server's answer can't be read: ${oneLine(sentenceOf(error))}`);
  const insecure = insecureCode(error);
  if (insecure !== '') return insecureFailure(insecure);
  const code = brokenCode(error);
  if (code !== '') return connectionFailure(code);
  if (!(error instanceof Error) || error.name !== 'Error') throw error;
  // The package throws this for a line {"error": ...} in the middle of an answer.
  return ofServerText(messageOf(error));
}

/**
 * Softens a failure that comes after the run began: an Ollama server had answered then. What answers now stands before
 * the server, or refuses this request alone; a look at the server tells which.
 */
export const afterOpening = (failed: Failure): Failure =>
  failed.kind === 'unusable' && failed.response !== undefined ? { ...failed, kind: 'connection' } : failed;

const kindsByStatus: Record<number, ErrorKind> = {
  401: 'unauthorized',
  403: 'unauthorized',
  405: 'unusable',
  408: 'timeout',
  429: 'rate-limited',
  499: 'server-error',
  501: 'bad-request',
  503: 'overloaded',
};

function ofStatus({ status, body, retryAfterMs }: HttpFailure): Failure {
  const { text, details } = readErrorBody(body);
  const failed = { ...kindOf({ status, text, details }), response: { status_code: status, body: parsedOrText(body) } };
  return retryAfterMs === null ? failed : { ...failed, retryAfterMs };
}

function kindOf({
  status,
  text,
  details,
}: {
  status: number;
  text: string;
  details: Record<string, unknown>;
}): Failure {
  if (status === 400) return badRequest(text, details);
  if (status === 404) return notFound(text);
  const kind = kindsByStatus[status];
  if (kind !== undefined) return failure(kind, ownTexts[status] ?? said(text || `HTTP ${status}`));
  if (status < 400) return noAnswer(status);
  return status >= 500
    ? ofServerText(text || `HTTP ${status}`)
    : failure('bad-request', said(text || `HTTP ${status}`));
}

/** A success without an answer or with a part of one, or a redirection. */
const noAnswer = (status: number): Failure =>
  status < 300
    ? failure('invalid-response', `The server answers with HTTP ${status}, which is not a complete answer.`)
    : failure('unusable', `There is no Ollama server at this address: it answers ${status}.`);

/** Texts for statuses where the server says nothing, or names a flag of a program inside it. */
const ownTexts: Record<number, string> = {
  403: 'The Ollama server refuses this host name (403): use its IP address, or start it with OLLAMA_ORIGINS.',
  501: 'The model makes no embeddings (501): use an embedding model.',
};

/**
 * Classifies a 400. Only a 400 of the request's own is about its prompt: after a crash, the texts of other errors end
 * with lines about EARLIER requests ("... exceeds the available context size").
 */
function badRequest(text: string, details: Record<string, unknown>): Failure {
  const { type, n_prompt_tokens: prompt, n_ctx: window } = details;
  if (type === 'exceed_context_size_error' && typeof prompt === 'number' && typeof window === 'number')
    return contextTooLong(prompt, window);
  if (/longer than the context length|exceeds (the|maximum) context length/.test(text))
    return failure('context-too-long', said(text));
  return failure('bad-request', said(text));
}

/** The tokens of a prompt that was refused as too long; null for any other failure. */
export function refusedTokens({ status, body }: HttpFailure): number | null {
  const { type, n_prompt_tokens: tokens } = readErrorBody(body).details;
  return status === 400 && type === 'exceed_context_size_error' && typeof tokens === 'number' ? tokens : null;
}

/** The failure of a prompt that does not fit, with both counts and the setting that would do. */
export function contextTooLong(promptTokens: number, contextTokens: number): Failure {
  const wanted = Math.ceil((promptTokens + 512) / 1024) * 1024;
  const advice = `shorten it, or try --option num_ctx=${wanted}`;
  return failure('context-too-long', promptTooLong({ promptTokens, contextTokens, advice }));
}

/** A window that is all a model was trained on can't be made larger: then that is no advice. */
export function withoutVainAdvice(failed: Failure, trainedTokens: number | null, contextTokens: number): Failure {
  if (failed.kind !== 'context-too-long' || trainedTokens === null || contextTokens < trainedTokens) return failed;
  const message = failed.message.replace(/, or try --option num_ctx=\d+/, ', the model was trained on no more');
  return { ...failed, message };
}

function notFound(text: string): Failure {
  return /model .*not found/.test(text)
    ? failure('model-not-found', said(text))
    : failure(
        'unusable',
        `There is no Ollama server at this address: it answers 404 (${oneLine(text).trim().slice(0, 100) || 'nothing more'}).`,
      );
}

/** Texts of the server's own failures, in the order of the check. None of them says anything about the prompt. */
const serverTexts: readonly [pattern: RegExp, kind: ErrorKind][] = [
  [
    /^invalid format:|^option ".*" must be of |^(?!an error was encountered|\S+ (process|runner)).*does not support/,
    'bad-request',
  ],
  [/token repeat limit reached/, 'repetition'],
  [outOfMemoryText, 'out-of-memory'],
  [
    /^an error was encountered while running the model|process (has terminated|no longer running)|runner has unexpectedly stopped|unexpected EOF|timed out waiting/,
    'engine-crashed',
  ],
];

/**
 * A failure of the server itself (500, or in the middle of a stream), by the part of its text that is about this
 * request.
 */
function ofServerText(text: string): Failure {
  const [own = ''] = oneLine(text).split(/error: task id = \d+/);
  const [, known] = serverTexts.find(([pattern]) => pattern.test(own)) ?? [];
  const kind = known ?? (isRequestFault(own) ? 'bad-request' : 'server-error');
  return failure(kind, said(own.trim() || text));
}

const said = (text: string): string => sentenceOf(`The Ollama server says: ${oneLine(text).trim().slice(0, 500)}`);

/** `{"error": text}`, where the text may be JSON again: `{"error": {"message", "type", ...}}`. */
function readErrorBody(body: string): { text: string; details: Record<string, unknown> } {
  const outer = parsedOrText(body);
  if (!isRecord(outer)) return { text: isPage(body) ? '' : body, details: {} };
  const { error } = outer;
  const inner = typeof error === 'string' && error.startsWith('{') ? parsedOrText(error) : error;
  const details = isRecord(inner) && isRecord(inner['error']) ? inner['error'] : isRecord(inner) ? inner : {};
  const { message = error } = details;
  return { text: typeof message === 'string' ? message : body, details };
}
