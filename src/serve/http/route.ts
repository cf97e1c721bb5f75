import type { IncomingMessage, ServerResponse } from 'node:http';

/** A request that was let in: its origin and its key are checked. */
export interface ApiRequest {
  message: IncomingMessage;
  /** Without the query. */
  path: string;
  query: URLSearchParams;
  /** What stands in the places of `:name` of the route, decoded. */
  params: Readonly<Record<string, string>>;
  /** Aborted when the client is gone, and when the server ends. */
  signal: AbortSignal;
}

/** Answers a request. What it throws is answered as an error: an `ApiError` as it says, anything else as 500 without its text. */
export type Handler = (request: ApiRequest, response: ServerResponse) => Promise<void>;

export interface Route {
  method: 'GET' | 'POST' | 'DELETE';
  /** `/v1/batches/:id/cancel`. */
  path: string;
  handle: Handler;
  /** Needs no key: `/health`, and the page that asks for one. */
  isOpen?: true;
}
