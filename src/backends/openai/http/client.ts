import type { IncomingHttpHeaders } from 'node:http';
import { Agent, type Dispatcher, request } from 'undici';
import { type Redaction, createRedaction } from '../../../text/redaction.ts';
import type { Endpoint } from '../../../core/request.ts';
import { quotableText, wholeText } from '../../http/body-text.ts';
import type { ServerPlace } from './base-url.ts';

/** An OpenAI-compatible server. Every call ends with its signal; it throws what the connection throws. */
export interface OpenaiClient {
  readonly place: ServerPlace;
  get: (url: string, signal: AbortSignal) => Promise<WholeResponse>;
  /** A question beside the requests for answers. */
  ask: (url: string, body: object, signal: AbortSignal) => Promise<WholeResponse>;
  post: (endpoint: Endpoint, body: object, signal: AbortSignal) => Promise<Dispatcher.ResponseData>;
  /** Takes the key out of texts and values. */
  redact: Redaction;
  close: () => Promise<void>;
}

export interface WholeResponse {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** Size limit of a page beside the answers: a hosted service lists hundreds of models, with some 10 kB of facts each at most. */
const maxPageBytes = 16 * 2 ** 20;
/** Connections beside those of the requests, for looks at the server, which must not wait behind answers. */
const spareConnections = 4;

/**
 * No limit for headers or bodies: a request may wait in the server's queue for hours. Idle connections are closed
 * before the server does so: `vllm serve` has 5 s, and a request sent at that moment is lost.
 */
export function createClient(place: ServerPlace, maxInFlight: number): OpenaiClient {
  const agent = new Agent({
    connections: maxInFlight + spareConnections,
    keepAliveTimeout: 4000,
    keepAliveMaxTimeout: 4500,
    headersTimeout: 0,
    bodyTimeout: 0,
    // A server that is sent hundreds of requests at once accepts them when it can.
    connect: { timeout: 60_000 },
  });
  const { key } = place;
  const authorization = key === null ? {} : { authorization: `Bearer ${key}` };
  const redact = createRedaction([key]);
  const post = (url: string, body: object, signal: AbortSignal): Promise<Dispatcher.ResponseData> =>
    request(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...authorization },
      body: JSON.stringify(body),
      signal,
      dispatcher: agent,
    });
  const whole = async (
    { statusCode, headers, body }: Dispatcher.ResponseData,
    maxBytes?: number,
  ): Promise<WholeResponse> => {
    const text = await (statusCode < 300 ? wholeText(body, maxBytes) : quotableText(body));
    return { status: statusCode, headers: redact.inValue(headers), text: redact.inText(text) };
  };
  return {
    place,
    redact,
    get: async (url, signal) =>
      whole(await request(url, { headers: authorization, signal, dispatcher: agent }), maxPageBytes),
    ask: async (url, body, signal) => whole(await post(url, body, signal)),
    post: (endpoint, body, signal) => post(`${place.url}${endpoint.replace('/v1', '')}`, body, signal),
    close: () => agent.destroy(),
  };
}
