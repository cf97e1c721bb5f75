import { type ClientRequest, type IncomingHttpHeaders, request as httpRequest } from 'node:http';
import { codeOf } from '../../../src/core/errors.ts';
import { candidate } from '../../backends/candidates.ts';
import type { JsonObject } from './json.ts';

/** What came of a request, as a client sees it. */
export interface Asked {
  /** 0 where there was no answer. */
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
  /** The lines of the body; a line that is no JSON is null. */
  lines: (JsonObject | null)[];
  /** The code of the error that ended it, or ''. */
  error: string;
  /** Milliseconds from the start to the headers, and to the end. */
  headersMs: number;
  endMs: number;
  /** The start: `performance.now()`. */
  startMs: number;
}

export interface Asking {
  done: Promise<Asked>;
  /** Resolves when the first byte of the answer is there. */
  begun: Promise<void>;
  abort: () => void;
}

/** Sends a request and reads its answer, also one that breaks off. */
export function startAsking(url: string, body: JsonObject, path = '/api/chat'): Asking {
  const start = performance.now();
  const asked: Asked = {
    status: 0,
    headers: {},
    body: '',
    lines: [],
    error: '',
    headersMs: 0,
    endMs: 0,
    startMs: start,
  };
  let sent: ClientRequest;
  let begin = (): void => {};
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const done = new Promise<Asked>((resolve) => {
    const end = (error = ''): void => {
      const texts = asked.body.split('\n').filter((line) => line !== '');
      resolve({ ...asked, error, lines: texts.map(parsed), endMs: performance.now() - start });
    };
    sent = httpRequest(new URL(path, url), { method: 'POST', agent: false }, (response) => {
      asked.status = response.statusCode ?? 0;
      asked.headers = response.headers;
      asked.headersMs = performance.now() - start;
      response.setEncoding('utf8').on('data', (text: string) => {
        asked.body += text;
        begin();
      });
      response.on('error', (error) => end(codeOf(error)));
      response.on('end', () => end());
    });
    sent.on('error', (error) => end(codeOf(error)));
    sent.end(JSON.stringify(body));
  });
  return { done, begun, abort: () => sent.destroy() };
}

export const ask = (url: string, body: JsonObject, path?: string): Promise<Asked> => startAsking(url, body, path).done;

/** A candidate's request, with the options that a run would send. */
export function question(index: number, changes: JsonObject = {}, options: JsonObject = {}): JsonObject {
  const { messages } = candidate(index).request.body;
  const runner = { num_ctx: 2048, num_thread: 1, temperature: 0, ...options };
  return { model: 'tiny-scorer', messages, truncate: false, keep_alive: -1, options: runner, ...changes };
}

/** A request whose answer has so many tokens that others can wait for it. */
export const longQuestion = (items: number): JsonObject =>
  question(0, {
    format: { type: 'array', items: { type: 'string', enum: ['hire', 'maybe'] }, minItems: items, maxItems: items },
  });

export function contentOf({ lines }: Asked): string {
  return lines.map((line) => (line?.['message'] as { content: string } | undefined)?.content ?? '').join('');
}

function parsed(text: string): JsonObject | null {
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    return null;
  }
}
