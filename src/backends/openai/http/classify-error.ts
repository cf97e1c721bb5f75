import type { IncomingHttpHeaders } from 'node:http';
import { type Failure, failure } from '../../../core/completion.ts';
import type { ErrorKind } from '../../../core/errors.ts';
import { isRecord } from '../../../data/is-record.ts';
import type { Endpoint } from '../../../core/request.ts';
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
import { foreignText, headerText, parsedOrText } from '../../http/json-text.ts';
import type { WholeResponse } from './client.ts';
import { contextError } from './context-error.ts';
import { readRateLimit } from './rate-limit.ts';

/** Turns what a call threw into a failure of its request. A mistake of this program is thrown again. */
export function classifyThrown(error: unknown): Failure {
  if (error instanceof BrokenAnswer) return failure(error.kind, error.message);
  const insecure = insecureCode(error);
  if (insecure !== '') return insecureFailure(insecure);
  const code = brokenCode(error);
  if (code === '') throw error;
  return connectionFailure(code);
}

/** A response that is no success. */
export function classifyResponse({ status, headers, text }: WholeResponse): Failure {
  const said = readErrorBody(text);
  return {
    ...(redirection(status, headers) ?? noAnswer(status) ?? ofError(status, said)),
    response: { status_code: status, body: parsedOrText(text) },
    ...readRateLimit(status, headers),
  };
}

/** An error that came instead of an answer, or in the middle of a stream: it may name its own status. */
export function classifyErrorBody(error: unknown): Failure {
  const said = ofErrorValue(error, () => foreignText(error));
  const { code, status: named, status_code: other } = said.details;
  const status = Number(foreignText(code ?? named ?? other));
  return ofError(status >= 400 && status < 600 ? status : 500, said);
}

/**
 * The error that came in place of an answer, or of a part of one; undefined where there is none. Not all servers write
 * it under `error`: older vLLMs send `{"object": "error", "message"}`, FastAPI `{"detail"}`, gateways `{"message"}`.
 */
export function errorIn(said: Record<string, unknown>): unknown {
  const { error, object, choices, data, message, detail } = said;
  if (error !== undefined && error !== null) return error;
  const isPart = Array.isArray(choices) || Array.isArray(data);
  const isBare = !isPart && (typeof message === 'string' || (detail !== undefined && detail !== null));
  return object === 'error' || isBare ? said : undefined;
}

interface ErrorFields {
  text: string;
  /** The fields of the error: `code`, `type`, ... */
  details: Record<string, unknown>;
}

/** `{"error": {"message", "type", "code"}}`, `{"error": text}`, `{"message"}`, FastAPI's `{"detail"}`, or a page. */
function readErrorBody(text: string): ErrorFields {
  const body = parsedOrText(text);
  if (!isRecord(body)) return { text: isPage(text) ? '' : oneLine(text), details: {} };
  const { error = body } = body;
  const { details, ...said } = ofErrorValue(error, () => text);
  return { ...said, details: isRecord(error) ? details : body };
}

/** `whole`: what is said where the error has no message. */
function ofErrorValue(error: unknown, whole: () => string): ErrorFields {
  if (!isRecord(error)) return { text: oneLine(foreignText(error)), details: {} };
  const { message = error['detail'] } = error;
  return { text: oneLine(message === undefined ? whole() : foreignText(message)), details: error };
}

/** A part of an answer (206), or a success without one (202, 204). */
const noAnswer = (status: number): Failure | null =>
  status < 300
    ? failure('invalid-response', `The server answers with HTTP ${status}, which is not a complete answer.`)
    : null;

/** Another server would be shown the key, and the prompts. */
function redirection(status: number, headers: IncomingHttpHeaders): Failure | null {
  if (status < 300 || status >= 400) return null;
  const [to = ''] = oneLine(headerText(headers.location) || 'nowhere').split(/[?#]/);
  return failure('unusable', `The server redirects (${status}) to ${to}: use the final address for --base-url.`);
}

const kindsByStatus: Record<number, ErrorKind> = {
  402: 'unusable',
  408: 'timeout',
  409: 'server-error',
  429: 'rate-limited',
  498: 'overloaded',
  499: 'server-error',
  501: 'bad-request',
  // A proxy whose server is away.
  502: 'connection',
  503: 'overloaded',
  504: 'timeout',
  524: 'timeout',
  529: 'overloaded',
};

function ofError(status: number, said: ErrorFields): Failure {
  const special = status < 500 ? ofClientError(status, said) : ofServerError(status, said);
  if (special !== null) return special;
  const kind = kindsByStatus[status] ?? (status >= 500 ? 'server-error' : 'bad-request');
  return failure(kind, saying(status, said.text));
}

function ofClientError(status: number, { text, details }: ErrorFields): Failure | null {
  const said = saying(status, text);
  if (isFiltered(text, details)) return failure('refused', said);
  if (status === 401 || status === 403) return failure('unauthorized', `${said} ${keyHint}`);
  if (has(details, /^(insufficient_quota|billing_)/)) return failure('unusable', said);
  // OpenAI's for one that is larger than all that a minute allows: it would never be let through.
  if (status === 429) return /request too large/i.test(text) ? failure('bad-request', said) : null;
  if (has(details, /^model_not_found$/)) return failure('model-not-found', said);
  if (isPathMissing(status)) return ofMissing(status, text);
  return contextError(text, details) ?? withStreamHint(status, text);
}

const isFiltered = (text: string, details: Record<string, unknown>): boolean =>
  has(details, /content_?(filter|policy)/i) || /content (management )?policy|content filter|was flagged/i.test(text);

/** No such path, or none that is sent requests. */
const isPathMissing = (status: number): boolean => status === 404 || status === 405;

/**
 * Classifies a missing path or model. Only a 404 is recognised by its text: the text of another refusal may quote the
 * request.
 */
const ofMissing = (status: number, text: string): Failure =>
  status === 404 && /\bmodel\b/i.test(text)
    ? failure('model-not-found', saying(status, text))
    : failure('unusable', `${saying(status, text)} ${pathHint}`);

/** Says whether a failure means that the server lacks the path, or is a server of another kind. */
export const isMissingPath = ({ kind, response }: Failure): boolean =>
  kind === 'unusable' && isPathMissing(response?.status_code ?? 0);

/** The failure of the request alone, where other paths are there. */
export const onlyPathMissing = (failed: Failure, endpoint: Endpoint): Failure => ({
  ...failed,
  kind: 'bad-request',
  message: failed.message.replace(pathHint, `This server has no ${endpoint}.`),
});

/**
 * Softens a failure of a path that has answered requests of this run: what stands before the server answers now, or the
 * server refuses this request alone.
 */
export const afterAnswers = (failed: Failure): Failure => ({
  ...failed,
  kind: 'connection',
  message: failed.message.replace(pathHint, 'It has answered other requests at this path.'),
});

const keyHint =
  'Set the variable OPENAI_API_KEY, or the one that --servers names for it, to a key that the server takes.';
const pathHint = 'The server has no such path: check the base URL (most end with /v1) and the features of the server.';

/** Some servers know no `stream_options`. */
const withStreamHint = (status: number, text: string): Failure | null =>
  /stream/.test(text) ? failure('bad-request', `${saying(status, text)} Try --option stream=false.`) : null;

const serverTexts: readonly [pattern: RegExp, kind: ErrorKind][] = [
  [outOfMemoryText, 'out-of-memory'],
  [/EngineCore encountered|EngineDead|engine (process )?(is dead|died)|background loop has errored/i, 'engine-crashed'],
];

const faultTypes = /^(invalid_request_error|BadRequestError|not_supported_error)$/;

function ofServerError(status: number, { text, details }: ErrorFields): Failure | null {
  const [, known] = serverTexts.find(([pattern]) => pattern.test(text)) ?? [];
  // A proxy before the server (502, 503, 504) knows nothing of the request.
  const isItsFault = status === 500 && (has(details, faultTypes) || isRequestFault(text));
  const kind = known ?? (isItsFault ? 'bad-request' : undefined);
  if (kind !== undefined) return failure(kind, saying(status, text));
  // Older llama-servers say this. After a crash, a text may end with such lines about other requests, so it must begin
  // with it.
  return /^the request exceeds the available context size/i.test(text) ? contextError(text, details) : null;
}

const has = (details: Record<string, unknown>, pattern: RegExp): boolean =>
  [details['code'], details['type']].some((name) => typeof name === 'string' && pattern.test(name));

const saying = (status: number, text: string): string =>
  text.trim() === ''
    ? `The server answers with HTTP ${status}.`
    : sentenceOf(`The server says: ${text.trim().slice(0, 500)}`);
