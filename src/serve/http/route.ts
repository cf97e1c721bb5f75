import type { IncomingMessage, ServerResponse } from 'node:http';

/** A request that was let in: its origin and its key are checked. */
export interface ApiRequest {
  /** The request line and the headers. What it carries is read from `body`. */
  message: IncomingMessage;
  /** Without the query. */
  path: string;
  query: URLSearchParams;
  /** What stands in the places of `:name` of the route, decoded. */
  params: Readonly<Record<string, string>>;
  /** Aborted when the client is gone, and as soon as the server begins to end: an answer that would go on for ever ends then. */
  signal: AbortSignal;
  /** The body as a stream. Asks a client for it that waits to be asked (`Expect: 100-continue`), so refuse first what can be refused. */
  body: () => IncomingMessage;
}

/**
 * Answers a request, and ends the answer before it resolves. What it throws is answered as an error: an `ApiError` as it
 * says, a full disk as 507, anything else as 500 without its text.
 */
type Handler = (request: ApiRequest, response: ServerResponse) => Promise<void>;

export interface Route {
  /** `GET` answers `HEAD` too: Node leaves the body out. */
  method: 'GET' | 'POST' | 'DELETE';
  /** `/v1/batches/:id/cancel`. A last part of the form `:name+` takes the rest of the path, with its slashes. */
  path: string;
  handle: Handler;
  /** Needs no key: `/health`, and the page that asks for one. */
  isOpen?: true;
}
