import { type IncomingMessage, STATUS_CODES, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { UsageError, codeOf } from '../../core/errors.ts';
import type { Notify } from '../../core/events.ts';
import type { Access } from './access.ts';
import { ApiError } from './api-error.ts';
import { checkOrigin } from './check-origin.ts';
import { type Connections, type Exchange, watchConnections } from './connections.ts';
import type { ApiRequest, Route } from './route.ts';
import { findRoute } from './router.ts';
import { sendError } from './send.ts';

export interface HttpServerOptions {
  host: string;
  /** 0: any free one. */
  port: number;
  access: Access;
  routes: readonly Route[];
  notify: Notify;
  times?: Partial<HttpTimes>;
}

/** Times in milliseconds that a client may take. */
export interface HttpTimes {
  /** For all headers of a request. */
  headersMs: number;
  /** Without a byte of an upload, or without taking a byte of an answer. While the server works on an answer nobody is cut. */
  silenceMs: number;
  /** For the answers that are under way when the server ends. */
  closeMs: number;
}

const defaultTimes: HttpTimes = { headersMs: 20_000, silenceMs: 60_000, closeMs: 5000 };

/** Idle clients close their connections after 5 seconds (httpx) or when they are told (undici): nobody is cut just when it sends. */
const keepAliveMs = 65_000;
const maxConnections = 512;
const maxHeaderBytes = 16_384;
const maxHeaders = 100;

export interface HttpServer {
  /** `http://127.0.0.1:4080`, without a slash at its end. */
  readonly url: string;
  /** Takes no more requests, and resolves when all answers have ended, or are broken off after `closeMs`. */
  close: () => Promise<void>;
}

/**
 * Listens, and answers by the routes. Each request has to be let in (`checkOrigin`, `Access`), each error is answered in
 * OpenAI's shape. Throws a `UsageError` where it can't listen there.
 */
export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const times = { ...defaultTimes, ...options.times };
  const server = createServer({
    maxHeaderSize: maxHeaderBytes,
    // checkOrigin refuses a request without a host, in JSON.
    requireHostHeader: false,
    headersTimeout: times.headersMs,
    connectionsCheckingInterval: Math.min(5000, times.headersMs),
    // An upload takes as long as its bytes flow; `timeout` ends one that is silent.
    requestTimeout: 0,
    keepAliveTimeout: keepAliveMs,
  });
  server.maxConnections = maxConnections;
  // Node would leave out what is too many; `admit` refuses it.
  server.maxHeadersCount = 0;
  server.timeout = times.silenceMs;
  const connections = watchConnections(server);
  const answer = (message: IncomingMessage, response: ServerResponse): void =>
    void answerRequest(options, { message, response }, connections.begin({ message, response }));
  server.on('request', answer);
  server.on('checkContinue', answer);
  server.on('checkExpectation', answer);
  server.on('clientError', (error, socket) => refuseBytes(error, socket as Socket, connections));
  await listen(server, options);
  return { url: urlOf(server, options.host), close: () => connections.close(times.closeMs) };
}

async function answerRequest(options: HttpServerOptions, exchange: Exchange, signal: AbortSignal): Promise<void> {
  const { message, response } = exchange;
  response.on('error', () => {});
  response.on('timeout', () => endSilence(message));
  setSafeHeaders(response);
  try {
    const { route, request } = admit(options, exchange, signal);
    await route.handle(request, response);
  } catch (error) {
    sendError({ message, response, notify: options.notify }, error);
  }
}

/** Finds the route of a request that may have an answer, and throws an `ApiError` for any other. */
function admit(
  { host, access, routes }: HttpServerOptions,
  { message, response }: Exchange,
  signal: AbortSignal,
): { route: Route; request: ApiRequest } {
  if (message.rawHeaders.length > 2 * maxHeaders) throw new ApiError(431, `more than ${maxHeaders} headers`);
  const expected = message.headers.expect?.toLowerCase();
  if (expected !== undefined && expected !== '100-continue')
    throw new ApiError(417, 'the server does not support the Expect header');
  const { method = '', url = '' } = message;
  const { route, ...found } = findRoute(routes, method, url);
  checkOrigin(message, host, route.isOpen === true);
  if (route.isOpen !== true && !access.isLetIn(message)) throw unauthorized(message);
  const body = (): IncomingMessage => {
    if (expected !== undefined) response.writeContinue();
    return message;
  };
  return { route, request: { message, ...found, signal, body } };
}

function unauthorized({ headers }: IncomingMessage): ApiError {
  const problem = headers.authorization === undefined ? 'an API key is needed' : 'the API key is wrong';
  return new ApiError(401, `${problem}: send the server's LLMBATCH_API_KEY as a bearer token`, {
    code: 'invalid_api_key',
    headers: { 'WWW-Authenticate': 'Bearer' },
  });
}

/** For every answer. A page replaces the policy by its own; with `no-referrer` a browser would hide the origin of its forms. */
function setSafeHeaders(response: ServerResponse): void {
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('X-Frame-Options', 'DENY');
  response.setHeader('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'");
  response.setHeader('Referrer-Policy', 'same-origin');
  response.setHeader('Cache-Control', 'no-store');
}

/** Nothing came or went for too long. A client that has sent all, and taken all that there is, waits for the server. */
function endSilence({ complete, socket }: IncomingMessage): void {
  if (!complete || socket.writableLength > 0) socket.destroy();
}

/** What is no HTTP, and headers that do not end: often there is no request yet that could be answered. */
function refuseBytes(error: Error, socket: Socket, connections: Connections): void {
  // A refusal in the middle of an answer would be taken for a part of it.
  if (!socket.writable || connections.answerOn(socket)?.headersSent === true) {
    socket.destroy();
    return;
  }
  // The rest of a broken body never ends; the client has a second to read why.
  setTimeout(() => socket.destroy(), 1000).unref();
  const known = refusals[codeOf(error)] ?? new ApiError(400, 'this is not a valid HTTP request');
  const body = JSON.stringify(known.toWire());
  socket.end(
    `HTTP/1.1 ${known.status} ${STATUS_CODES[known.status]}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
}

const refusals: Record<string, ApiError> = {
  HPE_HEADER_OVERFLOW: new ApiError(431, `the headers are larger than ${maxHeaderBytes} bytes`),
  ERR_HTTP_REQUEST_TIMEOUT: new ApiError(408, 'the headers did not come in time'),
};

async function listen(server: Server, { host, port }: HttpServerOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  }).catch((error: unknown) => {
    throw toUsageError(error, host, port);
  });
}

function toUsageError(error: unknown, host: string, port: number): unknown {
  const place = `${host}:${port}`;
  if (codeOf(error) === 'EADDRINUSE') {
    return new UsageError(`${place} is in use by another program`, 'Choose another port: --listen 127.0.0.1:4081');
  }
  if (codeOf(error) === 'EACCES') {
    return new UsageError(`no right to listen on ${place}`, 'Choose a port above 1023: --listen 127.0.0.1:4080');
  }
  if (codeOf(error) === 'EADDRNOTAVAIL' || codeOf(error) === 'ENOTFOUND') {
    return new UsageError(`${host} is not an address of this machine`, 'Give one that is: --listen 127.0.0.1:4080');
  }
  return error;
}

function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  return `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`;
}
