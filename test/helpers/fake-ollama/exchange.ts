import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { goJson } from './go-json.ts';
import type { JsonObject } from './json.ts';

/** A request as it came. */
export interface FakeOllamaRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  text: string;
  /** Null where the body is no JSON object. */
  body: JsonObject | null;
  /** Whether it asks for an answer, or only for the model to be loaded or let go. */
  kind: 'answer' | 'load' | 'embed' | 'other';
  /** When it had come whole: `performance.now()`. */
  atMs: number;
}

export interface Exchange {
  request: FakeOllamaRequest;
  response: ServerResponse;
  /** Aborts when the client goes before the answer is whole. */
  gone: AbortSignal;
}

export async function readText(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}

export const jsonType = 'application/json; charset=utf-8';

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  send(response, status, { type: jsonType, text: goJson(value) });
}

/** Go knows the length of a short body only. */
const longestKnown = 2048;

export function send(response: ServerResponse, status: number, { type, text }: { type: string; text: string }): void {
  const length = Buffer.byteLength(text);
  response.writeHead(status, { 'Content-Type': type, ...(length <= longestKnown && { 'Content-Length': length }) });
  response.end(text);
}
