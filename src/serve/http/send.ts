import type { IncomingMessage, ServerResponse } from 'node:http';
import { LlmbatchError, describeUnexpected } from '../../core/errors.ts';
import type { Notify } from '../../core/events.ts';
import { isDiskFull } from '../../files/write-group.ts';
import { printable } from '../../text/printable.ts';
import { ApiError } from './api-error.ts';

/** Answers with a JSON text. */
export function sendJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  writeJson(response, status, value, headers);
  response.end();
}

function writeJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>>,
): void {
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': body.length,
    ...headers,
  });
  response.write(body);
}

/** How long a client may go on with a body that nobody wants, in milliseconds: one that sends 200 MB first and reads then is through. */
const unreadBodyMs = 30_000;

/**
 * Answers with what a handler threw. What was not foreseen is told to the user of the server; its text may hold anything, so the
 * client gets none of it. An answer that has begun is broken off, which is all that its client can still notice.
 */
export function sendError(
  { message, response, notify }: { message: IncomingMessage; response: ServerResponse; notify: Notify },
  error: unknown,
): void {
  if (response.destroyed || message.socket.destroyed) return;
  const known = toApiError(error);
  if (!(error instanceof ApiError)) notify({ topic: 'serve', text: `${nameOf(message)}: ${textOf(error)}` });
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (message.complete) {
    sendJson(response, known.status, known.toWire(), known.headers);
    return;
  }
  writeJson(response, known.status, known.toWire(), { ...known.headers, Connection: 'close' });
  dropRest(message, response);
}

const nameOf = ({ method, url = '' }: IncomingMessage): string =>
  `${method} ${printable(url.replace(/\?.*$/s, ''), 200)}`;

const textOf = (error: unknown): string => (error instanceof LlmbatchError ? error.message : describeUnexpected(error));

function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const isFull = isDiskFull(error) || (error instanceof Error && isDiskFull(error.cause));
  return isFull
    ? new ApiError(507, 'the disk of the server is full', { code: 'insufficient_storage' })
    : new ApiError(500, 'the server failed: its log shows the reason', { code: 'internal_error' });
}

/**
 * Reads on without keeping anything, and then ends the answer, which is written: a connection that is closed with bytes unread
 * is reset, and the client would lose the answer.
 */
function dropRest(message: IncomingMessage, response: ServerResponse): void {
  const end = (): void => void response.end();
  const timer = setTimeout(end, unreadBodyMs).unref();
  message.on('error', () => {});
  message.once('close', () => {
    clearTimeout(timer);
    end();
  });
  message.once('end', end);
  message.resume();
}
